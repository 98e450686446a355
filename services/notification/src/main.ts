import { defineService } from '@micromart/service-kit/service'
import { NotificationConfig } from './config.ts'
import { notificationService } from './service.ts'

export const notification = defineService({
  name: 'notification',
  config: NotificationConfig,
  migrations: new URL('../migrations/', import.meta.url),
  build: notificationService,
})
