import { refusalProblem, writeHandler } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import { ok } from '@micromart/kernel/result'
import type { Transaction } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import type { WorkContext } from '@micromart/telemetry/context'
import type { PaymentRefusal } from '../domain/payment.ts'
import type { ProviderEvents, ProviderReport, ReadWebhook, RunPayments, WebhookRefusal } from '../ports.ts'

const statuses = {
  'payment.bad-signature': 400,
  'payment.bad-event': 400,
  'payment.unknown': 404,
  'payment.mismatch': 422,
} satisfies StatusTable<PaymentRefusal['code'] | WebhookRefusal['code']>

const MOST_BYTES = 64 * 1024

export interface WebhookRoutes {
  readonly read: ReadWebhook
  readonly events: ProviderEvents
  readonly run: RunPayments
  readonly write: IdempotentWrite
  readonly clock: Clock
}

/** What providers tell. The signature is over the bytes as they came, so nothing parses the body before it is verified. */
export async function webhookRoutes(http: HttpServer, { read, events, run, write, clock }: WebhookRoutes) {
  const answer = writeHandler(write, { statuses })

  /** A refused event leaves nothing behind, not even its id: the same one may be right later. */
  const note = async (tx: Transaction, report: ProviderReport, context: WorkContext) => {
    const { orderId, key: paymentId, amount, answer } = report
    if (!(await events.isNew(tx, { provider: 'sandbox', eventId: report.eventId, at: clock.now() })))
      return ok(undefined)
    const [result] = await run(tx, [{ orderId, command: { type: 'NoteReport', paymentId, amount, answer }, context }])
    return result ?? ok(undefined)
  }

  await http.register((scope, _options, registered) => {
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    scope.post('/api/v1/payments/webhooks/sandbox', {
      config: { access: 'public' },
      bodyLimit: MOST_BYTES,
      schema: { tags: ['payments'], summary: 'What the sandbox provider tells, signed with HMAC-SHA256' },
      handler: async (request, reply) => {
        const signature = request.headers['sandbox-signature']
        const webhook = read({
          rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
          signature: typeof signature === 'string' ? signature : undefined,
        })
        if (!webhook.ok) throw refusalProblem(webhook.error, statuses)
        return answer(request, reply, async (tx) => {
          const noted = await note(tx, webhook.value, request.context)
          return noted.ok ? ok({ status: 200, body: { received: true } }) : noted
        })
      },
    })
    registered()
  })
}
