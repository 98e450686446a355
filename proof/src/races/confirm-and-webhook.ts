import type { Race } from './race.ts'
import { atOnce, countOf, type Placed, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

const ORDERS = 10
const FINGERS = 5

export const confirmAndWebhook: Race = {
  name: 'confirm-and-webhook',
  fault: "the customer's confirmation races the provider's webhook: the money is taken twice, or there is no order",
  done: `${ORDERS} payments are approved ${FINGERS} times at once, and ${ORDERS} told four times, while orders are asked after and the provider is asked every 100 ms (own shop)`,
  holds: 'every order is confirmed, its money captured once and in full, its piece gone once',
  rounds: 5,
  shop: 'any',
  run: async (scene, tally) => {
    const sku = await scene.keeper.stocked(2 * ORDERS)
    const carts = await atOnce(2 * ORDERS, () => scene.cartWith([sku, 1]))
    const methods = ['sandbox:action', 'sandbox:duplicate-webhook']
    await Promise.all(
      carts.map(async (cart, index) => {
        const method = methods[index % methods.length] ?? ''
        const placed = await scene.place(cart, { method })
        if (method === 'sandbox:action') await approve(scene, tally, placed)
        await judge(scene, tally, placed)
      }),
    )
    await scene.levelBecomes(sku, { onHand: 0, reserved: 0 })
  },
}

async function approve(scene: Scene, tally: Tally, placed: Placed) {
  const path = await scene.actionOf(placed)
  const answers = await atOnce(FINGERS, () =>
    scene.shopper.call({ method: 'POST', path, body: { outcome: 'approve' } }),
  )
  const taken = countOf(answers, ({ status }) => status === 200)
  tally.count('approvals', taken)
  tally.must(taken === FINGERS, `${FINGERS - taken} of ${FINGERS} approvals of ${placed.orderId} were refused`)
}

async function judge(scene: Scene, tally: Tally, placed: Placed) {
  const order = await scene.reaches(placed)
  const { captures, capturedMinor, refunds } = await scene.moneyEnds(placed)
  tally.count('orders')
  tally.count('captures', captures)
  tally.must(order.status === 'confirmed', `order ${placed.orderId} was approved and is ${order.status}`)
  tally.must(
    captures === 1 && refunds === 0 && capturedMinor === order.total.minor,
    `order ${placed.orderId} of ${order.total.minor} was captured ${captures} times, ${capturedMinor} in all`,
  )
}
