import { defineService } from '@micromart/service-kit/service'
import { OrderConfig } from './config.ts'
import { orderService } from './service.ts'

export const order = defineService({
  name: 'order',
  config: OrderConfig,
  migrations: new URL('../migrations/', import.meta.url),
  build: orderService,
})
