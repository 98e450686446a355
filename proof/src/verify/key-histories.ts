import type { KeyAnswer, KeyCall } from '../linearizability/key-model.ts'
import type { Operation } from '../linearizability/model.ts'
import type { History, Seen } from './read-history.ts'

export interface KeyHistory {
  readonly key: string
  readonly operations: readonly Operation<KeyCall, KeyAnswer>[]
}

/** Checkouts by their idempotency key: a key belongs to one caller, who is known by the cart. */
export function keyHistories(history: History): readonly KeyHistory[] {
  const groups = Map.groupBy(history.of('checkout'), ({ call: { key, cart } }) => `${key} of cart ${cart}`)
  return [...groups].map(([key, calls]) => ({ key, operations: calls.flatMap(operationOf) }))
}

function operationOf(seen: Seen<'checkout'>): readonly Operation<KeyCall, KeyAnswer>[] {
  const { from, call } = seen
  const { request } = call
  if (seen.end === 'unknown') return [{ call: { request }, from, to: Number.POSITIVE_INFINITY }]
  const answer = answerOf(seen)
  return answer ? [{ call: { request }, answer, from, to: seen.to }] : []
}

/** What was turned away before its key was looked at, or because its first try still ran, says nothing about the key. */
function answerOf({ end, facts }: Extract<Seen<'checkout'>, { end: 'ok' | 'fail' }>): KeyAnswer | undefined {
  const { body = '', code = '' } = facts
  if (end === 'ok') return { type: 'answered', body }
  if (code === 'idempotency.key-reused') return { type: 'reused' }
  return code.startsWith('cart.') ? { type: 'refused' } : undefined
}
