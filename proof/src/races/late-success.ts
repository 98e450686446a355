import type { Race } from './race.ts'
import { eventually, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

export const holdExpires: Race = {
  name: 'hold-expires',
  fault: 'the hold expires while the payment succeeds: a paid order without its piece, or the piece sold twice',
  done: 'time-outs of seconds; a slow success after the hold has gone, once with the piece still there and once sold to another meanwhile; a success after the order gave up',
  holds:
    'the piece is there: confirmed; it is gone: cancelled, all money given back; too late: cancelled, nothing taken',
  rounds: 3,
  shop: 'ours-impatient',
  run: async (scene, tally) => {
    await Promise.all([stillThere(scene, tally), soldMeanwhile(scene, tally), tooLate(scene, tally)])
  },
}

/** Placed with a payment that comes when the hold has expired; resolves when it has. */
async function heldNoLonger(scene: Scene) {
  const sku = await scene.keeper.stocked(1)
  const placed = await scene.place(await scene.cartWith([sku, 1]), { method: 'sandbox:slow' })
  await scene.reaches(placed, 'awaiting-payment')
  await eventually(`the hold on ${sku} to expire`, async () => (await scene.levelOf(sku)).reserved === 0)
  return { sku, placed }
}

async function stillThere(scene: Scene, tally: Tally) {
  const { sku, placed } = await heldNoLonger(scene)
  const order = await scene.reaches(placed)
  const { captures } = await scene.moneyEnds(placed)
  tally.count('piece still there')
  tally.must(order.status === 'confirmed' && captures === 1, `piece still there: ${order.status}, ${captures} captures`)
  await scene.levelBecomes(sku, { onHand: 0, reserved: 0 })
}

async function soldMeanwhile(scene: Scene, tally: Tally) {
  const { sku, placed } = await heldNoLonger(scene)
  const other = await scene.place(await scene.cartWith([sku, 1]))
  const bought = await scene.reaches(other)
  const order = await scene.reaches(placed, 'cancelled', 'refunded') // it may have been confirmed for a moment
  const [money, kept] = [await scene.moneyEnds(placed), await scene.moneyEnds(other)]
  tally.count('piece sold meanwhile')
  tally.must(bought.status === 'confirmed' && kept.captures === 1, `the quicker buyer's order is ${bought.status}`)
  tally.must(
    money.capturedMinor === money.refundedMinor,
    `the slower buyer's order is ${order.status}: ${money.capturedMinor} taken, ${money.refundedMinor} given back`,
  )
  await scene.levelBecomes(sku, { onHand: 0, reserved: 0 })
}

async function tooLate(scene: Scene, tally: Tally) {
  const sku = await scene.keeper.stocked(1)
  const placed = await scene.place(await scene.cartWith([sku, 1]), { method: 'sandbox:late' })
  const order = await scene.reaches(placed)
  const money = await scene.moneyEnds(placed)
  tally.count('success too late')
  tally.must(order.reason === 'payment-timeout', `an order that nobody paid in time is ${order.status}`)
  tally.must(money.status === 'voided' && money.captures === 0, `the late success was ${money.status}`)
  await scene.levelBecomes(sku, { onHand: 1, reserved: 0 })
}
