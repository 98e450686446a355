import type { AnyTimerHandler, ClaimedTimer, TimerHandler } from '@micromart/postgres/timers'
import type { PaymentCommand, ProviderAnswer, ProviderStep } from './domain/payment.ts'
import type { Move, PaymentProvider, RunPayments } from './ports.ts'
import type { StepData } from './run-payments.ts'

/** Longer than any provider takes to answer; what a killed process had begun is asked again after it. */
const LEASE_MS = 20_000

type Step<Outcome> = TimerHandler<StepData, Outcome>

/** What is asked of the provider, each as a timer: intended first, asked outside any transaction, repeated until it is answered. */
export function providerSteps(provider: PaymentProvider, run: RunPayments): readonly AnyTimerHandler[] {
  const step = <Outcome>(
    kind: ProviderStep,
    perform: (data: StepData) => Promise<Outcome>,
    command: (outcome: Outcome) => PaymentCommand,
  ): Step<Outcome> => ({
    kind,
    leaseMs: LEASE_MS,
    perform: ({ data }) => perform(data),
    settle: async (tx, done) => {
      const results = await run(
        tx,
        done.map(({ timer, outcome }) => ({ ...target(timer), command: command(outcome) })),
      )
      for (const result of results)
        if (!result.ok) throw new Error(`${kind} was done for a payment that does not expect it: ${result.error.code}`)
    },
  })
  const answered = (answer: ProviderAnswer): PaymentCommand => ({ type: 'NoteAnswer', answer })
  return [
    step('authorize', (data) => provider.authorize(data), answered),
    step('reconcile', (data) => find(provider, data), answered),
    step(
      'capture',
      (data) => provider.capture(moveOf(data)),
      () => ({ type: 'NoteCaptured' }),
    ),
    step(
      'void',
      (data) => provider.void(moveOf(data)),
      () => ({ type: 'NoteVoided' }),
    ),
    step(
      'refund',
      (data) => provider.refund(moveOf(data)),
      () => ({ type: 'NoteRefunded' }),
    ),
  ]
}

const target = ({ subject, context }: ClaimedTimer<StepData>) => ({ orderId: subject, context })

async function find(provider: PaymentProvider, { key }: StepData): Promise<ProviderAnswer> {
  const answer = await provider.find(key)
  if (!answer) throw new Error(`The provider does not know payment ${key}, though it has answered about it before`)
  return answer
}

function moveOf({ key, reference, amount }: StepData): Move {
  if (reference === undefined) throw new Error(`Payment ${key} has no reference at the provider`)
  return { key, reference, amount }
}
