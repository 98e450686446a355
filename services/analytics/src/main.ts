import { defineService } from '@micromart/service-kit/service'
import Type from 'typebox'
import { analyticsService } from './service.ts'

export const analytics = defineService({
  name: 'analytics',
  config: Type.Object({}),
  migrations: new URL('../migrations/', import.meta.url),
  build: analyticsService,
})
