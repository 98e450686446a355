import { defineService } from '@micromart/service-kit/service'
import { UserConfig } from './config.ts'
import { userService } from './service.ts'

export const user = defineService({
  name: 'user',
  config: UserConfig,
  migrations: new URL('../migrations/', import.meta.url),
  build: userService,
})
