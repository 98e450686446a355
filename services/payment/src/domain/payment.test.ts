import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decide,
  type Effect,
  noPayment,
  type Payment,
  type PaymentCommand,
  type ProviderAnswer,
  type ProviderStep,
  type Terms,
} from './payment.ts'

const terms: Terms = {
  paymentId: 'pay-1',
  amount: { minor: 2_800, currency: 'USD' },
  method: 'sandbox:success',
  dueAt: '2026-01-01T00:15:00.000Z',
}
const due: PaymentCommand = { type: 'RequestPayment', terms }
const confirmed: PaymentCommand = { type: 'NoteOrderConfirmed' }
const cancelled: PaymentCommand = { type: 'NoteOrderCancelled' }
const answers = {
  authorized: { status: 'authorized', reference: 'ref' },
  declined: { status: 'declined', reference: 'ref', reason: 'no-money' },
  'action-required': { status: 'action-required', reference: 'ref', actionUrl: 'https://bank.example/1' },
  pending: { status: 'pending', reference: 'ref' },
} satisfies Record<string, ProviderAnswer>
const answer = (status: keyof typeof answers): PaymentCommand => ({ type: 'NoteAnswer', answer: answers[status] })
const report = (
  status: keyof typeof answers,
  told: Partial<{ paymentId: string; minor: number }> = {},
): PaymentCommand => ({
  type: 'NoteReport',
  paymentId: told.paymentId ?? terms.paymentId,
  amount: { minor: told.minor ?? terms.amount.minor, currency: 'USD' },
  answer: answers[status],
})
const captured: PaymentCommand = { type: 'NoteCaptured' }
const voided: PaymentCommand = { type: 'NoteVoided' }
const refunded: PaymentCommand = { type: 'NoteRefunded' }

const effectText = (effect: Effect) => {
  switch (effect.type) {
    case 'ask-provider':
      return `ask ${effect.step}`
    case 'tell':
      return `tell ${effect.fact}`
    case 'book':
      return `book ${effect.kind}`
  }
}

const given = (...commands: PaymentCommand[]) => {
  const payment = commands.reduce<Payment>((before, command) => {
    const decision = decide(command, before)
    return decision.ok ? decision.value.payment : before
  }, noPayment)
  return {
    when: (command: PaymentCommand) => {
      const decision = decide(command, payment)
      return decision.ok ? decision.value.effects.map(effectText) : decision.error.code
    },
  }
}

test('money is authorised, captured when the order is confirmed, and refunded when it is cancelled after that', () => {
  assert.deepEqual(given().when(due), ['ask authorize'])
  assert.deepEqual(given(due).when(answer('authorized')), ['tell authorized'])
  assert.deepEqual(given(due, answer('authorized')).when(confirmed), ['ask capture'])
  const paid = [due, answer('authorized'), confirmed]
  assert.deepEqual(given(...paid).when(captured), ['book capture', 'tell captured'])
  assert.deepEqual(given(...paid, captured).when(cancelled), ['ask refund'])
  assert.deepEqual(given(...paid, captured, cancelled).when(refunded), ['book refund', 'tell refunded'])
})

test('whatever is heard again changes nothing', () => {
  assert.deepEqual(given(due).when(due), [])
  assert.deepEqual(given(due, answer('authorized')).when(report('authorized')), [])
  assert.deepEqual(given(due, answer('authorized'), confirmed).when(confirmed), [])
  assert.deepEqual(given(due, answer('authorized'), confirmed, captured).when(captured), [])
  assert.deepEqual(given(due, answer('authorized'), cancelled, voided).when(cancelled), [])
  assert.deepEqual(given(due, answer('authorized'), cancelled, voided).when(report('authorized')), [])
})

test('a cancel that comes first leaves a tombstone: nothing is ever asked for', () => {
  assert.deepEqual(given(cancelled).when(due), [])
  assert.deepEqual(given(cancelled, due).when(confirmed), [])
})

test('an authorisation of a cancelled order is given back, early or late', () => {
  assert.deepEqual(given(due, answer('authorized')).when(cancelled), ['ask void'])
  assert.deepEqual(given(due, answer('authorized'), cancelled).when(voided), ['tell voided'])
  assert.deepEqual(given(due, cancelled).when(answer('authorized')), ['ask void'])
  assert.deepEqual(given(due, answer('pending'), cancelled).when(report('authorized')), ['ask void'])
  assert.deepEqual(given(due, answer('declined')).when(report('authorized')), ['ask void'])
})

test('a capture that is on its way when the order is cancelled is finished and refunded', () => {
  const capturing = [due, answer('authorized'), confirmed]
  assert.deepEqual(given(...capturing).when(cancelled), [])
  assert.deepEqual(given(...capturing, cancelled).when(captured), ['book capture', 'tell captured', 'ask refund'])
})

test('open answers are asked about again until they are decided', () => {
  assert.deepEqual(given(due).when(answer('pending')), ['ask reconcile'])
  assert.deepEqual(given(due, answer('pending')).when(answer('pending')), ['ask reconcile'])
  assert.deepEqual(given(due).when(answer('action-required')), ['ask reconcile', 'tell action-required'])
  assert.deepEqual(given(due, answer('action-required')).when(answer('action-required')), ['ask reconcile'])
  assert.deepEqual(given(due, answer('action-required')).when(report('declined')), ['tell declined'])
  assert.deepEqual(given(due, report('authorized')).when(answer('pending')), [])
})

test('a cancelled order hears nothing of refusals and confirmations that it no longer needs', () => {
  assert.deepEqual(given(due, cancelled).when(answer('declined')), [])
  assert.deepEqual(given(due, cancelled).when(answer('action-required')), ['ask reconcile'])
})

test('what is about another payment or amount is refused', () => {
  assert.equal(given().when(report('authorized')), 'payment.unknown')
  assert.equal(given(cancelled).when(report('authorized')), 'payment.unknown')
  assert.equal(given(due).when(report('authorized', { paymentId: 'pay-2' })), 'payment.mismatch')
  assert.equal(given(due).when(report('authorized', { minor: 1 })), 'payment.mismatch')
  const dearer: PaymentCommand = { ...due, terms: { ...terms, amount: { minor: 2_801, currency: 'USD' } } }
  assert.equal(given(due).when(dearer), 'payment.mismatch')
})

const free: PaymentCommand = { ...due, terms: { ...terms, amount: { minor: 0, currency: 'USD' } } }

test('what costs nothing is authorised, captured and refunded without a provider and without a booking', () => {
  assert.deepEqual(given().when(free), ['tell authorized'])
  assert.deepEqual(given(free).when(free), [])
  assert.deepEqual(given(free).when(confirmed), ['tell captured'])
  assert.deepEqual(given(free, confirmed).when(confirmed), [])
  assert.deepEqual(given(free, confirmed).when(cancelled), ['tell refunded'])
  assert.deepEqual(given(free, confirmed, cancelled).when(cancelled), [])
  assert.deepEqual(given(free).when(cancelled), ['tell voided'])
  assert.deepEqual(given(cancelled).when(free), [])
  assert.deepEqual(given(confirmed).when(free), ['tell authorized', 'tell captured'])
})

/** Where the money of what costs nothing is after these messages. */
function endOfFree(commands: readonly PaymentCommand[]) {
  const firstOf = (command: PaymentCommand) => (commands.includes(command) ? commands.indexOf(command) : Infinity)
  if (firstOf(free) === Infinity || firstOf(cancelled) < firstOf(free)) return 'none'
  if (!commands.includes(cancelled)) return commands.includes(confirmed) ? 'captured' : 'authorized'
  return firstOf(confirmed) < firstOf(cancelled) ? 'refunded' : 'voided'
}

test('in any order of messages, with repeats, what costs nothing comes to an end and asks nobody', () => {
  const words = fc.array(fc.constantFrom(free, confirmed, cancelled), { maxLength: 12 })
  fc.assert(
    fc.property(words, (commands) => {
      let payment = noPayment
      const effects: string[] = []
      for (const command of commands) {
        const decision = decide(command, payment)
        assert.ok(decision.ok)
        payment = decision.value.payment
        effects.push(...decision.value.effects.map(effectText))
      }
      assert.ok(effects.every((effect) => effect.startsWith('tell ')))
      assert.deepEqual(effects, [...new Set(effects)], 'told twice')
      assert.equal(payment.money.status, endOfFree(commands))
    }),
  )
})

/** A provider that decides open payments when it likes, tells by repeated reports, and answers each call any time later. */
function world(first: keyof typeof answers, later: 'authorized' | 'declined') {
  let payment = noPayment
  let atProvider: keyof typeof answers | undefined
  const calls: ProviderStep[] = []
  const reports: PaymentCommand[] = []
  const books = { capture: 0, refund: 0 }
  const provider = { captures: 0, refunds: 0, voids: 0 }
  const told: string[] = []

  const follow = (effect: Effect) => {
    if (effect.type === 'book') books[effect.kind] += 1
    else if (effect.type === 'tell') told.push(effect.fact)
    else if (effect.step !== 'reconcile' || !calls.includes('reconcile')) calls.push(effect.step)
  }
  const run = (command: PaymentCommand) => {
    const decision = decide(command, payment)
    if (!decision.ok) return
    payment = decision.value.payment
    decision.value.effects.forEach(follow)
  }
  const decideOpen = () => {
    if (atProvider !== 'pending' && atProvider !== 'action-required') return
    atProvider = later
    reports.push(report(later))
  }
  const call = (index: number) => {
    const [step] = calls.splice(index % Math.max(calls.length, 1), 1)
    switch (step) {
      case undefined:
        return
      case 'authorize':
        atProvider ??= first
        return run(answer(atProvider))
      case 'reconcile':
        return atProvider && run(answer(atProvider))
      case 'capture':
        assert.equal(provider.voids, 0, 'captured after it was voided')
        provider.captures += 1
        return run(captured)
      case 'void':
        assert.equal(provider.captures, 0, 'voided after it was captured')
        provider.voids += 1
        return run(voided)
      case 'refund':
        provider.refunds += 1
        return run(refunded)
    }
  }
  return {
    run,
    decideOpen,
    call,
    report: (index: number) => {
      const told = reports[index % Math.max(reports.length, 1)]
      if (told) run(told)
    },
    settle: () => {
      for (let step = 0; calls.length > 0; step++) {
        assert.ok(step < 100, 'never quiet')
        decideOpen()
        call(0)
      }
    },
    result: () => ({ payment, books, provider, told, atProvider }),
  }
}

type Step =
  | { readonly kind: 'message'; readonly command: PaymentCommand }
  | { readonly kind: 'call' | 'report'; readonly index: number }
  | { readonly kind: 'provider-decides' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.constantFrom(due, confirmed, cancelled).map((command) => ({ kind: 'message' as const, command })),
    fc.nat(5).map((index) => ({ kind: 'call' as const, index })),
    fc.nat(5).map((index) => ({ kind: 'report' as const, index })),
    fc.constant({ kind: 'provider-decides' as const }),
  ),
  { maxLength: 20 },
)

const take = (w: ReturnType<typeof world>, step: Step) => {
  switch (step.kind) {
    case 'message':
      return w.run(step.command)
    case 'call':
      return w.call(step.index)
    case 'report':
      return w.report(step.index)
    case 'provider-decides':
      return w.decideOpen()
  }
}

test('in any order of messages, answers and webhooks, with repeats, money is kept for a confirmed order only', () => {
  const first = fc.constantFrom(...(Object.keys(answers) as (keyof typeof answers)[]))
  const later = fc.constantFrom('authorized' as const, 'declined' as const)
  fc.assert(
    fc.property(first, later, steps, (first, later, steps) => {
      const w = world(first, later)
      for (const step of steps) take(w, step)
      w.settle()
      const { provider, books, told, atProvider, payment } = w.result()
      const heard = [...new Set(steps.map((step) => (step.kind === 'message' ? step.command : undefined)))]
      const isCancelled = heard.includes(cancelled)
      const isHeld = atProvider === 'authorized'
      const isKept = heard.includes(confirmed) && !isCancelled && isHeld
      assert.ok(provider.captures <= 1 && provider.refunds <= 1 && provider.voids <= 1, 'moved twice')
      assert.equal(provider.captures - provider.refunds, isKept ? 1 : 0)
      assert.deepEqual(books, { capture: provider.captures, refund: provider.refunds }, 'booked is what moved')
      assert.ok(told.filter((fact) => fact === 'authorized').length <= 1, 'told twice')
      assert.equal(provider.voids + provider.refunds, isCancelled && isHeld ? 1 : 0, 'given back')
      if (isCancelled && heard.indexOf(cancelled) < heard.indexOf(due))
        assert.equal(atProvider, undefined, 'asked for a cancelled order')
      assert.ok(!['requested', 'capturing', 'voiding', 'refunding'].includes(payment.money.status), 'not finished')
    }),
    { numRuns: 5_000 },
  )
})
