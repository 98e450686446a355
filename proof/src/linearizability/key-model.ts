import type { Model } from './model.ts'

/** A request sent under an idempotency key; `request` tells one request from another. */
export interface KeyCall {
  readonly request: string
}

export type KeyAnswer =
  | { readonly type: 'answered'; readonly body: string }
  /** `idempotency.key-reused`: the key belongs to another request. */
  | { readonly type: 'reused' }
  /** Refused for a reason of its own: that leaves nothing behind, the key is free as before. */
  | { readonly type: 'refused' }

/** The first request that was accepted, and what it was answered; `unheard` while no client has heard the answer. */
export type KeyState = { readonly request: string; readonly body: string | 'unheard' } | 'free'

/** One idempotency key: the first accepted request wins, all equal ones get its answer to the byte, others are refused. */
export const keyModel: Model<KeyState, KeyCall, KeyAnswer> = {
  initial: 'free',
  onlyLooks: (_, { type }) => type !== 'answered',
  nameOf: (state) => (state === 'free' ? state : JSON.stringify([state.request, state.body])),
  step: (state, { request }, answer) => {
    if (answer === undefined) return state === 'free' ? { request, body: 'unheard' } : state
    switch (answer.type) {
      case 'answered':
        return heard(state, request, answer.body)
      case 'reused':
        return state !== 'free' && state.request !== request ? state : undefined
      case 'refused':
        return state === 'free' ? state : undefined
    }
  },
}

function heard(state: KeyState, request: string, body: string): KeyState | undefined {
  if (state === 'free') return { request, body }
  if (state.request !== request) return undefined
  if (state.body === 'unheard') return { request, body }
  return state.body === body ? state : undefined
}
