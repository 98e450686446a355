import { defineService } from '@micromart/service-kit/service'
import { CartConfig } from './config.ts'
import { cartService } from './service.ts'

export const cart = defineService({
  name: 'cart',
  config: CartConfig,
  migrations: new URL('../migrations/', import.meta.url),
  build: cartService,
})
