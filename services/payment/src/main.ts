import { defineService } from '@micromart/service-kit/service'
import { PaymentConfig } from './config.ts'
import { paymentService } from './service.ts'

export const payment = defineService({
  name: 'payment',
  config: PaymentConfig,
  migrations: new URL('../migrations/', import.meta.url),
  build: paymentService,
})
