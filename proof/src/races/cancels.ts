import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from '../shopper.ts'
import type { Race } from './race.ts'
import { atOnce, countOf, eventually, PATIENCE_MS, type Placed, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

const ORDERS = 10

interface Turn {
  readonly placed: Placed
  readonly turn: number
}

/** When the customer presses cancel: how far the order may have come. */
const moments = {
  'while it is placed and paid': (_scene: Scene, { turn }: Turn) => sleep(3 * turn),
  'while it is authorised': (scene: Scene, { placed }: Turn) => moneyIs(scene, placed, BEFORE_CAPTURE),
  'while it is captured': (scene: Scene, { placed }: Turn) => moneyIs(scene, placed, ['capturing']),
  'after it was captured': (scene: Scene, { placed }: Turn) => scene.moneyEnds(placed),
} satisfies Record<string, (scene: Scene, turn: Turn) => Promise<unknown>>

const BEFORE_CAPTURE: readonly string[] = ['requested', 'authorized', 'capturing']

/** Looks without a pause, because the moment is short; when it is missed, the money is captured. */
async function moneyIs({ money }: Scene, { orderId }: Placed, wanted: readonly string[]) {
  const giveUpAt = Date.now() + PATIENCE_MS
  while (Date.now() < giveUpAt) {
    const status = (await money(orderId))?.status
    if (status === 'captured' || (status !== undefined && wanted.includes(status))) return
  }
}

export const cancels: Race = {
  name: 'cancels',
  fault: 'cancelling races confirming and capturing: refunded twice, or cancelled and still charged',
  done: `${ORDERS} orders each cancelled three times at once ${Object.keys(moments).join(', ')}`,
  holds: 'every order is cancelled or refunded, what was captured is given back exactly once, all pieces are back',
  rounds: 5,
  shop: 'any',
  run: async (scene, tally) => {
    for (const moment of Object.values(moments)) {
      const sku = await scene.keeper.stocked(ORDERS)
      const carts = await atOnce(ORDERS, () => scene.cartWith([sku, 1]))
      await Promise.all(
        carts.map(async (cart, turn) => {
          const placed = await scene.place(cart)
          await moment(scene, { placed, turn })
          const answers = await atOnce(3, () => cancel(scene, placed))
          tally.must(countOf(answers, isGranted) > 0, `no cancellation of ${placed.orderId} was accepted`)
          await judge(scene, tally, placed)
        }),
      )
      await scene.levelBecomes(sku, { onHand: ORDERS, reserved: 0 })
    }
  },
}

/** Asks until it is heard: an order that is still on its way cannot be cancelled yet. */
const cancel = ({ shopper }: Scene, { orderId, cart }: Placed): Promise<Answer> =>
  eventually(`order ${orderId} to be cancelled`, async () => {
    const headers = { 'cart-token': cart.token }
    const answer = await shopper.call({ method: 'POST', path: `/api/v1/orders/${orderId}/cancel`, headers })
    return answer.body?.code !== 'order.being-placed' && answer
  })

const MONEY: Readonly<Record<string, string>> = {
  cancelled: 'never asked for money',
  voided: 'voided',
  refunded: 'refunded',
}

const isGranted = ({ status }: Answer) => status === 202

async function judge(scene: Scene, tally: Tally, placed: Placed) {
  const { status } = await scene.reaches(placed, 'cancelled', 'refunded')
  const { status: ended, captures, refunds, capturedMinor, refundedMinor } = await scene.moneyEnds(placed)
  tally.count('orders')
  tally.count(MONEY[ended] ?? ended)
  tally.must(
    captures === refunds && captures <= 1 && capturedMinor === refundedMinor,
    `order ${placed.orderId} is ${status}: ${capturedMinor} taken, ${refundedMinor} given back`,
  )
}
