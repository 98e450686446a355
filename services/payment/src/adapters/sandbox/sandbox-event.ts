import { Instant, MoneyBody, Uuid } from '@micromart/contracts/message'
import type { Clock } from '@micromart/kernel/clock'
import { ok, refuse } from '@micromart/kernel/result'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ReadWebhook } from '../../ports.ts'
import { isSignedWebhook } from './webhook-signature.ts'

/** The provider writes plain words; what the database cannot hold is not from it. */
const word = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: '^[\\x21-\\x7e]*$' })

const about = { key: Uuid, orderId: Uuid, reference: word(200), amount: MoneyBody }

/** What the sandbox tells: the outcome of a payment that it had left open, or had to tell again. */
const SandboxEvent = Type.Object({
  id: word(100),
  createdAt: Instant,
  payment: Type.Union([
    Type.Object({ ...about, status: Type.Literal('authorized') }),
    Type.Object({ ...about, status: Type.Literal('declined'), reason: word(100) }),
  ]),
})
export type SandboxEvent = Static<typeof SandboxEvent>

const sandboxEvent = Compile(SandboxEvent)

export const sandboxWebhookReader =
  ({ secret, clock }: { secret: string; clock: Clock }): ReadWebhook =>
  ({ rawBody, signature }) => {
    if (!isSignedWebhook({ secret, rawBody, signature, now: clock.now() }))
      return refuse('payment.bad-signature', 'The webhook is not signed by the provider, or too long ago')
    const event = parse(rawBody)
    if (!sandboxEvent.Check(event)) return refuse('payment.bad-event', 'The webhook is not an event known here')
    const { key, orderId, amount, ...answer } = event.payment
    return ok({ eventId: event.id, key, orderId, amount, answer })
  }

function parse(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8'))
  } catch {
    return undefined
  }
}
