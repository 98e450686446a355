import type { Money } from '@micromart/kernel/money'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'

//   Two things side by side: what the order says (open -> confirmed -> cancelled, or cancelled at once) and where the money is:
//
//   none -> requested -> action-required | pending -> authorized -> capturing -> captured -> refunding -> refunded
//               |                   |                      +-----> voiding -> voided
//               +-------------------+-> declined
//
//   A cancelled order without money is the tombstone: it is never asked for. A success that comes later is voided at once, and a
//   capture that is on its way is finished and then refunded, so that void and capture never race at the provider.
//   What costs nothing goes the same way, only without a provider: each step is done as soon as it is asked for.

/** What is to be paid, fixed when it is first asked for. */
export interface Terms {
  readonly paymentId: string
  readonly amount: Money
  readonly method: string
  /** Until when the order waits, RFC 3339. */
  readonly dueAt: string
}

export type MoneyState =
  | { readonly status: 'none' }
  | { readonly status: 'requested'; readonly terms: Terms }
  | {
      readonly status: 'action-required'
      readonly terms: Terms
      readonly reference: string
      readonly actionUrl: string
    }
  | { readonly status: 'pending'; readonly terms: Terms; readonly reference: string }
  | { readonly status: 'declined'; readonly terms: Terms; readonly reference: string; readonly reason: string }
  | { readonly status: HeldStatus; readonly terms: Terms; readonly reference: string }

export type HeldStatus = 'authorized' | 'capturing' | 'captured' | 'refunding' | 'refunded' | 'voiding' | 'voided'

export interface Payment {
  readonly orderSays: 'open' | 'confirmed' | 'cancelled'
  readonly money: MoneyState
}

/** What the provider says about an authorisation: the answer to ours, or what became of it since. */
export type ProviderAnswer =
  | { readonly status: 'authorized'; readonly reference: string }
  | { readonly status: 'declined'; readonly reference: string; readonly reason: string }
  | { readonly status: 'action-required'; readonly reference: string; readonly actionUrl: string }
  | { readonly status: 'pending'; readonly reference: string }

export type PaymentCommand =
  | { readonly type: 'RequestPayment'; readonly terms: Terms }
  | { readonly type: 'NoteOrderConfirmed' }
  | { readonly type: 'NoteOrderCancelled' }
  /** The provider answered our question. */
  | { readonly type: 'NoteAnswer'; readonly answer: ProviderAnswer }
  /** The provider tells unasked, so what it is about is compared first. */
  | {
      readonly type: 'NoteReport'
      readonly paymentId: string
      readonly amount: Money
      readonly answer: ProviderAnswer
    }
  | { readonly type: 'NoteCaptured' }
  | { readonly type: 'NoteVoided' }
  | { readonly type: 'NoteRefunded' }

/** What has to be done at the provider next. `reconcile` asks again later what became of a payment that is not decided. */
export type ProviderStep = 'authorize' | 'capture' | 'void' | 'refund' | 'reconcile'

export type Effect =
  | { readonly type: 'ask-provider'; readonly step: ProviderStep }
  | {
      readonly type: 'tell'
      readonly fact: 'authorized' | 'declined' | 'action-required' | 'captured' | 'voided' | 'refunded'
    }
  | { readonly type: 'book'; readonly kind: 'capture' | 'refund' }

export interface Decided {
  readonly payment: Payment
  readonly effects: readonly Effect[]
}

export type PaymentRefusal = Refusal<'payment.unknown' | 'payment.mismatch'>
type Decision = Result<Decided, PaymentRefusal>
type Asked = Exclude<MoneyState, { status: 'none' }>

export const noPayment: Payment = { orderSays: 'open', money: { status: 'none' } }

const ask = (step: ProviderStep): Effect => ({ type: 'ask-provider', step })
const tell = (fact: Extract<Effect, { type: 'tell' }>['fact']): Effect => ({ type: 'tell', fact })
const become = (payment: Payment, ...effects: readonly Effect[]): Decision => ok({ payment, effects })

const unknown = refuse('payment.unknown', 'There is no such payment')

/** While waiting, the provider has not decided yet. */
export const isWaiting = ({ status }: MoneyState): boolean =>
  status === 'requested' || status === 'action-required' || status === 'pending'

export function decide(command: PaymentCommand, payment: Payment): Decision {
  const decision = decideStep(command, payment)
  return decision.ok && costsNothing(decision.value.payment) ? withoutProvider(decision.value) : decision
}

const costsNothing = ({ money }: Payment): boolean => money.status !== 'none' && money.terms.amount.minor === 0

/** What the provider would have answered. */
const settled: Readonly<Record<Exclude<ProviderStep, 'reconcile'>, PaymentCommand>> = {
  authorize: { type: 'NoteAnswer', answer: { status: 'authorized', reference: 'nothing-to-pay' } },
  capture: { type: 'NoteCaptured' },
  void: { type: 'NoteVoided' },
  refund: { type: 'NoteRefunded' },
}

/** Providers refuse an amount of zero, so they never hear of it; and where no money moves none is booked. */
function withoutProvider({ payment, effects }: Decided): Decision {
  const told = effects.filter(({ type }) => type === 'tell')
  const asked = effects.find((effect) => effect.type === 'ask-provider')
  if (!asked || asked.step === 'reconcile') return become(payment, ...told)
  const next = decide(settled[asked.step], payment)
  return next.ok ? become(next.value.payment, ...told, ...next.value.effects) : next
}

function decideStep(command: PaymentCommand, payment: Payment): Decision {
  switch (command.type) {
    case 'RequestPayment':
      return request(payment, command.terms)
    case 'NoteOrderConfirmed':
      return confirm(payment)
    case 'NoteOrderCancelled':
      return cancel({ ...payment, orderSays: 'cancelled' })
    case 'NoteAnswer':
      return payment.money.status === 'none' ? unknown : take(payment, payment.money, command.answer)
    case 'NoteReport':
      return takeReport(payment, command)
    case 'NoteCaptured':
      return noteCaptured(payment)
    case 'NoteVoided':
      return payment.money.status === 'voiding'
        ? become({ ...payment, money: { ...payment.money, status: 'voided' } }, tell('voided'))
        : become(payment)
    case 'NoteRefunded':
      return payment.money.status === 'refunding'
        ? become(
            { ...payment, money: { ...payment.money, status: 'refunded' } },
            { type: 'book', kind: 'refund' },
            tell('refunded'),
          )
        : become(payment)
  }
}

function request(payment: Payment, terms: Terms): Decision {
  const { money } = payment
  if (money.status !== 'none')
    return sameMoney(money.terms.amount, terms.amount)
      ? become(payment) // the same request, heard again
      : refuse('payment.mismatch', 'Another amount was asked for this order before')
  if (payment.orderSays === 'cancelled') return become(payment)
  return become({ ...payment, money: { status: 'requested', terms } }, ask('authorize'))
}

function confirm(payment: Payment): Decision {
  if (payment.orderSays !== 'open') return become(payment)
  const confirmed: Payment = { ...payment, orderSays: 'confirmed' }
  return payment.money.status === 'authorized'
    ? become({ ...confirmed, money: { ...payment.money, status: 'capturing' } }, ask('capture'))
    : become(confirmed)
}

/** Gives back what is there; what is still on its way is given back when it arrives. */
function cancel(payment: Payment, ...before: readonly Effect[]): Decision {
  const { money } = payment
  if (money.status === 'authorized')
    return become({ ...payment, money: { ...money, status: 'voiding' } }, ...before, ask('void'))
  if (money.status === 'captured')
    return become({ ...payment, money: { ...money, status: 'refunding' } }, ...before, ask('refund'))
  return become(payment, ...before)
}

function takeReport(payment: Payment, report: Extract<PaymentCommand, { type: 'NoteReport' }>): Decision {
  const { money } = payment
  if (money.status === 'none') return unknown
  if (money.terms.paymentId !== report.paymentId || !sameMoney(money.terms.amount, report.amount))
    return refuse('payment.mismatch', 'The payment is of another order or another amount')
  return take(payment, money, report.answer)
}

function take(payment: Payment, money: Asked, answer: ProviderAnswer): Decision {
  const { terms } = money
  const { reference } = answer
  const open = payment.orderSays !== 'cancelled'
  if (!isWaiting(money))
    return money.status === 'declined' && answer.status === 'authorized'
      ? become({ ...payment, money: { status: 'voiding', terms, reference } }, ask('void')) // we have said no already
      : become(payment)
  switch (answer.status) {
    case 'authorized':
      return takeAuthorization(payment, { terms, reference })
    case 'declined':
      return become(
        { ...payment, money: { status: 'declined', terms, reference, reason: answer.reason } },
        ...(open ? [tell('declined')] : []),
      )
    case 'action-required': {
      const isNews = money.status !== 'action-required' || money.actionUrl !== answer.actionUrl
      return become(
        { ...payment, money: { status: 'action-required', terms, reference, actionUrl: answer.actionUrl } },
        ask('reconcile'),
        ...(open && isNews ? [tell('action-required')] : []),
      )
    }
    case 'pending':
      return become({ ...payment, money: { status: 'pending', terms, reference } }, ask('reconcile'))
  }
}

function takeAuthorization(payment: Payment, held: { terms: Terms; reference: string }): Decision {
  switch (payment.orderSays) {
    case 'open':
      return become({ ...payment, money: { status: 'authorized', ...held } }, tell('authorized'))
    case 'confirmed':
      return become({ ...payment, money: { status: 'capturing', ...held } }, tell('authorized'), ask('capture'))
    case 'cancelled':
      return become({ ...payment, money: { status: 'voiding', ...held } }, ask('void'))
  }
}

function noteCaptured(payment: Payment): Decision {
  if (payment.money.status !== 'capturing') return become(payment)
  const captured: Payment = { ...payment, money: { ...payment.money, status: 'captured' } }
  const effects: readonly Effect[] = [{ type: 'book', kind: 'capture' }, tell('captured')]
  return payment.orderSays === 'cancelled' ? cancel(captured, ...effects) : become(captured, ...effects)
}

const sameMoney = (a: Money, b: Money): boolean => a.minor === b.minor && a.currency === b.currency
