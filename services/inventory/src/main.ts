import { defineService } from '@micromart/service-kit/service'
import { InventoryConfig } from './config.ts'
import { inventoryService } from './service.ts'

export const inventory = defineService({
  name: 'inventory',
  config: InventoryConfig,
  migrations: new URL('../migrations/', import.meta.url),
  build: inventoryService,
})
