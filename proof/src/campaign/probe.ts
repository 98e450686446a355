import type { HistoryRecorder } from '../history.ts'
import type { Shopper } from '../shopper.ts'
import { buy } from './load/purchase.ts'

const STEP_PATIENCE_MS = 60_000
const FOLLOW_MS = 60_000

export interface Probe {
  /** Buys something, again and again, until a purchase that began after this call is confirmed. @returns false when none was within `withinMs` */
  untilConfirmed(withinMs: number): Promise<boolean>
}

/** A customer who finds out whether the shop sells again. */
export const createProbe = ({
  shopper,
  sku,
  history,
}: {
  shopper: Shopper
  sku: string
  history: HistoryRecorder
}): Probe => ({
  untilConfirmed: async (withinMs) => {
    const giveUpAt = performance.now() + withinMs
    const wish = { skus: [sku], method: 'sandbox:success' }
    while (performance.now() < giveUpAt)
      try {
        const { status } = await buy(wish, { shopper, history, patienceMs: STEP_PATIENCE_MS, followMs: FOLLOW_MS })
        if (status === 'confirmed') return true
      } catch {
        // one step of it was not answered at all
      }
    return false
  },
})
