import type { Race } from './race.ts'
import { atOnce, countOf, type Level, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

const PIECES = 20
const SHOPPERS = 30
const ADJUSTMENTS = 40
/** So many that not all of it can be granted. */
const MOST_TAKEN = 4

export const stockAdjustments: Race = {
  name: 'stock-adjustments',
  fault: 'staff correct the stock while it is sold: counters below zero, or a ledger that does not add up',
  done: `${SHOPPERS} shoppers for ${PIECES} pieces while staff take ${MOST_TAKEN} or add one ${ADJUSTMENTS} times, and everybody looks`,
  holds:
    'what is promised cannot be taken; at the end on hand = first count + accepted corrections - confirmed orders = sum of the ledger',
  rounds: 5,
  shop: 'any',
  run: async (scene, tally) => {
    const sku = await scene.keeper.stocked(PIECES)
    const carts = await atOnce(SHOPPERS, () => scene.cartWith([sku, 1]))
    const [placed, corrections] = await Promise.all([
      Promise.all(carts.map((cart) => scene.place(cart))),
      atOnce(ADJUSTMENTS, (turn) => correct(scene, tally, { sku, quantity: turn % 2 === 0 ? -MOST_TAKEN : 1 })),
      atOnce(ADJUSTMENTS, async () =>
        tally.must(isPossible(await scene.levelOf(sku)), `${sku} was oversold for a moment`),
      ),
    ])
    const orders = await Promise.all(placed.map((each) => scene.reaches(each)))
    const sold = countOf(orders, ({ status }) => status === 'confirmed')
    tally.count('sold', sold)
    const corrected = corrections.reduce((sum, pieces) => sum + pieces, 0)
    await scene.levelBecomes(sku, { onHand: PIECES + corrected - sold, reserved: 0 })
    const ledger = await ledgerOf(scene, sku)
    tally.must(
      ledger === PIECES + corrected - sold,
      `the ledger adds up to ${ledger}, on hand are ${PIECES + corrected - sold}`,
    )
  },
}

const isPossible = ({ onHand, reserved }: Level) => onHand >= reserved && reserved >= 0

/** @returns the pieces that were added, below zero for taken; 0 when refused */
async function correct(scene: Scene, tally: Tally, { sku, quantity }: { sku: string; quantity: number }) {
  const { status, body, text } = await scene.keeper.call({
    method: 'POST',
    path: `/api/v1/inventory/${sku}/adjustments`,
    body: { quantity, reason: 'counted again' },
  })
  if (status === 201) tally.must(isPossible(body), `a correction was accepted that leaves ${text}`)
  else tally.must(body?.code === 'inventory.below-reserved', `a correction was answered ${status} ${text}`)
  tally.count(status === 201 ? 'corrections' : 'corrections refused')
  return status === 201 ? quantity : 0
}

async function ledgerOf({ keeper }: Scene, sku: string): Promise<number> {
  const path = `/api/v1/inventory/${sku}/movements?limit=100`
  const { items } = (await keeper.call({ method: 'GET', path })).body as { items: readonly { quantity: number }[] }
  return items.reduce((sum, { quantity }) => sum + quantity, 0)
}
