import type { Model } from './model.ts'

/** What is known of one SKU; `none` before its first count. */
export type StockState = { readonly onHand: number; readonly reserved: number } | 'none'

/** What staff and buyers do to one SKU. The steps of a sale are taken behind the buyer's back, so only the hold has an answer. */
export type StockCall =
  | { readonly type: 'set'; readonly quantity: number; readonly overwrite: boolean }
  | { readonly type: 'adjust'; readonly quantity: number }
  | { readonly type: 'read' }
  | { readonly type: 'hold' | 'commit' | 'release' | 'return'; readonly quantity: number }

export type StockAnswer =
  | { readonly onHand: number; readonly reserved: number }
  | 'set'
  | 'unchanged'
  | 'below-reserved'
  | 'unknown-sku'
  | 'held'
  | 'rejected'

const sameAnswer = (state: StockState, answer: StockAnswer): boolean =>
  typeof answer === 'object'
    ? state !== 'none' && state.onHand === answer.onHand && state.reserved === answer.reserved
    : answer === 'unknown-sku' && state === 'none'

const LOOKS: ReadonlySet<StockAnswer> = new Set(['unchanged', 'below-reserved', 'unknown-sku', 'rejected'])

/** The shelf of one SKU: counts never below what is promised, promises never above what is there. */
export const stockModel: Model<StockState, StockCall, StockAnswer> = {
  initial: 'none',
  onlyLooks: (call, answer) => call.type === 'read' || (typeof answer === 'string' && LOOKS.has(answer)),
  distance,
  isDoubtful: ({ type }) => type === 'set' || type === 'adjust' || type === 'hold',
  nameOf: (state) => (state === 'none' ? state : `${state.onHand} ${state.reserved}`),
  step: (state, call, answer) => {
    switch (call.type) {
      case 'set':
        return agreed(set(state, call), answer)
      case 'adjust':
        return agreed(adjust(state, call.quantity), answer)
      case 'read':
        return answer === undefined || sameAnswer(state, answer) ? state : undefined
      case 'hold':
        return agreed(hold(state, call.quantity), answer)
      case 'commit':
        return move(state, { onHand: -call.quantity, reserved: -call.quantity })
      case 'release':
        return move(state, { onHand: 0, reserved: -call.quantity })
      case 'return':
        return move(state, { onHand: call.quantity, reserved: 0 })
    }
  },
}

/** Pieces that have to come or go, counted by what is on hand and by what is free: a hold changes the one, a sale the other. */
function distance(state: StockState, call: StockCall, answer: StockAnswer): number {
  const { onHand, reserved } = state === 'none' ? { onHand: 0, reserved: 0 } : state
  const free = onHand - reserved
  if (typeof answer === 'object') {
    const before = answer.onHand - (call.type === 'adjust' ? call.quantity : 0)
    return Math.abs(onHand - before) + Math.abs(free - (before - answer.reserved))
  }
  const quantity = 'quantity' in call ? call.quantity : 0
  if (answer === 'held') return Math.max(0, quantity - free)
  if (answer === 'rejected') return Math.max(0, free - quantity + 1)
  if (answer === 'unchanged') return Math.abs(onHand - quantity)
  return answer === 'set' ? Math.max(0, reserved - quantity) : 0
}

interface Outcome {
  readonly state: StockState
  readonly answer: StockAnswer
}

const agreed = (outcome: Outcome, answer: StockAnswer | undefined): StockState | undefined =>
  answer === undefined || answer === outcome.answer || (typeof answer === 'object' && agreesOn(outcome, answer))
    ? outcome.state
    : undefined

const agreesOn = ({ state, answer }: Outcome, told: StockAnswer) =>
  typeof answer === 'object' && sameAnswer(state, told)

function set(state: StockState, { quantity, overwrite }: Extract<StockCall, { type: 'set' }>): Outcome {
  if (state === 'none') return { state: { onHand: quantity, reserved: 0 }, answer: 'set' }
  if (!overwrite || state.onHand === quantity) return { state, answer: 'unchanged' }
  if (quantity < state.reserved) return { state, answer: 'below-reserved' }
  return { state: { ...state, onHand: quantity }, answer: 'set' }
}

function adjust(state: StockState, quantity: number): Outcome {
  if (state === 'none' && quantity < 0) return { state, answer: 'unknown-sku' }
  const before = state === 'none' ? { onHand: 0, reserved: 0 } : state
  const after = { ...before, onHand: before.onHand + quantity }
  return after.onHand < after.reserved ? { state, answer: 'below-reserved' } : { state: after, answer: after }
}

function hold(state: StockState, quantity: number): Outcome {
  const enough = state !== 'none' && state.onHand - state.reserved >= quantity
  return enough
    ? { state: { ...state, reserved: state.reserved + quantity }, answer: 'held' }
    : { state, answer: 'rejected' }
}

function move(state: StockState, by: { onHand: number; reserved: number }): StockState | undefined {
  if (state === 'none') return undefined
  const after = { onHand: state.onHand + by.onHand, reserved: state.reserved + by.reserved }
  return after.reserved < 0 || after.reserved > after.onHand ? undefined : after
}
