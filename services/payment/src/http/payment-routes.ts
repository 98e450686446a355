import { ProblemError } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import { isUuid } from '@micromart/kernel/ids'
import Type from 'typebox'
import type { Payment } from '../domain/payment.ts'
import type { LedgerEntry, PaymentViews } from '../ports.ts'
import { PaymentBody } from './payment-schemas.ts'

const unknown = () => new ProblemError(404, { code: 'payment.unknown', detail: 'There is no such payment' })

export function paymentRoutes(http: HttpServer, { views }: { views: PaymentViews }): void {
  http.get('/api/v1/payments/:orderId', {
    config: { access: 'payments:read' },
    schema: {
      tags: ['payments'],
      summary: 'The payment of an order with its ledger entries, for staff',
      params: Type.Object({ orderId: Type.String() }),
      response: { 200: PaymentBody },
    },
    handler: async (request) => {
      const { orderId } = request.params
      const found = isUuid(orderId) ? await views.find(orderId) : undefined
      if (!found) throw unknown()
      const entries = await views.entries(orderId)
      return {
        orderId,
        ...bodyOf(found.payment),
        updatedAt: found.updatedAt.toISOString(),
        ledger: entries.map(entryOf),
      }
    },
  })
}

function bodyOf({ orderSays, money }: Payment) {
  if (money.status === 'none') return { status: orderSays === 'cancelled' ? 'cancelled' : 'none', order: orderSays }
  return {
    status: money.status,
    order: orderSays,
    ...money.terms,
    ...('reason' in money ? { reason: money.reason } : {}),
  }
}

const entryOf = ({ debitMinor, creditMinor, currency, at, ...entry }: LedgerEntry) => ({
  ...entry,
  debit: { minor: debitMinor, currency },
  credit: { minor: creditMinor, currency },
  at: at.toISOString(),
})
