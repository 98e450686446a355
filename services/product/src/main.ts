import { defineService } from '@micromart/service-kit/service'
import Type from 'typebox'
import { productService } from './service.ts'

export const product = defineService({
  name: 'product',
  config: Type.Object({}),
  migrations: new URL('../migrations/', import.meta.url),
  build: productService,
})
