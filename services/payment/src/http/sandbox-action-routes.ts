import { ProblemError, type StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import { formatMoney } from '@micromart/kernel/money'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import type { SandboxActions } from '../ports.ts'
import { ActionBody, ActionOutcome } from './payment-schemas.ts'

const statuses = { 'payment.action-unknown': 404, 'payment.action-taken': 409 } satisfies StatusTable

const refused = (code: keyof typeof statuses, detail: string) => new ProblemError(statuses[code], { code, detail })
const unknown = () => refused('payment.action-unknown', 'There is nothing to confirm here')

const PATH = '/api/v1/payments/sandbox/actions/:reference'
const params = Type.Object({ reference: Type.String({ maxLength: 100 }) })

/** Where the customer of a `sandbox:action` payment says yes or no. The reference is the key: it cannot be guessed. */
export async function sandboxActionRoutes(http: HttpServer, actions: SandboxActions) {
  http.get(PATH, {
    config: { access: 'public' },
    schema: { tags: ['payments'], summary: 'The confirmation page of a sandbox payment', params },
    handler: async (request, reply) => {
      const action = await actions.find(request.params.reference)
      if (!action) throw unknown()
      return sendPage(
        reply,
        action.status === 'action-required' ? question(formatMoney(action.amount)) : done(action.status),
      )
    },
  })

  await http.register((scope, _options, registered) => {
    // the page is a plain form, so that it needs no script
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, next) =>
      next(null, Object.fromEntries(new URLSearchParams(String(body)))),
    )
    scope.post<{ Params: { reference: string }; Body: { outcome: 'approve' | 'decline' } }>(PATH, {
      config: { access: 'public' },
      bodyLimit: 1_024,
      schema: {
        tags: ['payments'],
        summary: 'Approve or decline a sandbox payment; the shop hears of it by webhook',
        params,
        body: ActionOutcome,
        response: { 200: ActionBody },
      },
      handler: async (request, reply) => {
        const { outcome } = request.body
        const status = await actions.take(request.params.reference, outcome)
        if (status === undefined) throw unknown()
        if ((status === 'declined') !== (outcome === 'decline'))
          throw refused('payment.action-taken', 'This payment was decided otherwise before, or its time is over')
        if (request.headers.accept?.includes('text/html')) return sendPage(reply, done(status))
        return reply.header('cache-control', 'no-store').send({ status })
      },
    })
    registered()
  })
}

const sendPage = (reply: FastifyReply, body: string) =>
  reply
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
    })
    .serializer(String)
    .send(page(body))

const page = (body: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox payment</title>
<style>
  body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto; padding: 0 1rem; text-align: center }
  button { font: inherit; padding: .6rem 1.6rem; margin: .5rem }
</style>
<h1>Sandbox payment</h1>
${body}
</html>
`

const question = (amount: string) => `<p>A shop asks for <strong>${amount}</strong>. No real money moves.</p>
<form method="post">
  <button name="outcome" value="approve">Approve</button>
  <button name="outcome" value="decline">Decline</button>
</form>`

const done = (status: string) =>
  `<p>The payment is <strong>${status === 'declined' ? 'declined' : 'approved'}</strong>. You can close this page.</p>`
