import type { Race } from './race.ts'
import { atOnce, countOf, type Placed, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

const SHOPPERS = 50
const PIECES = 10

export const fiftyForTen: Race = {
  name: 'fifty-for-ten',
  fault: 'fifty shoppers for ten units: all fifty sold, or forty seconds of waiting; counters drift afterwards',
  done: '50 carts with the same SKU are checked out at once; then 40 ordinary orders of a SKU that was counted again',
  holds:
    'exactly 10 confirmed, 40 cancelled as out of stock, nothing promised; afterwards counter and ledger say what was sold',
  rounds: 5,
  shop: 'any',
  run: async (scene, tally) => {
    const sku = await scene.keeper.stocked(PIECES)
    const carts = await atOnce(SHOPPERS, () => scene.cartWith([sku, 1]))
    const startedAt = performance.now()
    const placed = await Promise.all(carts.map((cart) => scene.place(cart)))
    tally.waited('until all have an answer', performance.now() - startedAt)
    const orders = await Promise.all(placed.map((each) => scene.reaches(each)))
    tally.waited('until all have an end', performance.now() - startedAt)
    const sold = countOf(orders, ({ status }) => status === 'confirmed')
    const refused = countOf(orders, ({ reason }) => reason === 'out-of-stock')
    tally.count('shoppers', SHOPPERS)
    tally.count('sold', sold)
    tally.count('refused', refused)
    tally.must(sold === PIECES, `${sold} were sold of ${PIECES}`)
    tally.must(refused === SHOPPERS - PIECES, `${refused} were told that it is out of stock`)
    await scene.levelBecomes(sku, { onHand: 0, reserved: 0 })
    await ordinaryLoad(scene, tally, sku)
  },
}

const ORDERS = 40
const METHODS = ['success', 'decline', 'slow', 'duplicate-webhook', 'success'].map((name) => `sandbox:${name}`)

/** Orders that end in every way; the last method's are cancelled after they were confirmed. */
async function ordinaryLoad(scene: Scene, tally: Tally, sku: string) {
  await scene.keeper.restock(sku, ORDERS)
  const one = async (turn: number) => {
    const placed = await scene.place(await scene.cartWith([sku, 1]), { method: METHODS[turn % METHODS.length] ?? '' })
    const { status } = await scene.reaches(placed)
    if (status === 'confirmed' && turn % METHODS.length === METHODS.length - 1) await cancel(scene, placed)
    return placed
  }
  const placed: Placed[] = []
  for (let turn = 0; turn < ORDERS; turn += 8) placed.push(...(await atOnce(8, (index) => one(turn + index))))
  const moneys = await Promise.all(placed.map((each) => scene.moneyEnds(each)))
  const kept = countOf(moneys, ({ status }) => status === 'captured')
  tally.count('ordinary orders', ORDERS)
  tally.must(kept === (ORDERS / METHODS.length) * 3, `${kept} of ${ORDERS} ordinary orders were paid and kept`)
  await scene.levelBecomes(sku, { onHand: ORDERS - kept, reserved: 0 })
}

const cancel = ({ shopper }: Scene, { orderId, cart }: Placed) =>
  shopper.call({ method: 'POST', path: `/api/v1/orders/${orderId}/cancel`, headers: { 'cart-token': cart.token } })

const SKUS = 10

export const lastUnit: Race = {
  name: 'last-unit',
  fault: 'two orders get the last unit',
  done: `${SKUS} SKUs of one unit each; for each, two carts are checked out at once`,
  holds: 'of each two exactly one is confirmed, the other is cancelled as out of stock and pays nothing',
  rounds: 5,
  shop: 'any',
  run: async (scene, tally) => {
    await atOnce(SKUS, async () => {
      const sku = await scene.keeper.stocked(1)
      const carts = await atOnce(2, () => scene.cartWith([sku, 1]))
      const placed = await Promise.all(carts.map((cart) => scene.place(cart)))
      const orders = await Promise.all(placed.map((each) => scene.reaches(each)))
      const statuses = orders.map(({ status, reason }) => reason ?? status).sort()
      tally.count('last units')
      tally.must(
        String(statuses) === 'confirmed,out-of-stock',
        `the two orders for ${sku} are ${statuses.join(' and ')}`,
      )
      const moneys = await Promise.all(placed.map((each) => scene.moneyEnds(each)))
      const captures = moneys.reduce((sum, money) => sum + money.captures, 0)
      tally.must(captures === 1, `${captures} captures for the last unit ${sku}`)
      await scene.levelBecomes(sku, { onHand: 0, reserved: 0 })
    })
  },
}

export const sharedItem: Race = {
  name: 'shared-item',
  fault: 'two lines of one stock item in one cart are each checked alone, and oversold',
  done: 'the same SKU is added twice in parallel, 3 and 3 of 5 pieces, and 2 and 3 of 5 pieces; both carts are checked out',
  holds:
    'six of five: cancelled, nothing taken; five of five: confirmed, none left; each cart has one line with the sum',
  rounds: 5,
  shop: 'any',
  run: async (scene, tally) => {
    await tooMany(scene, tally)
    await justEnough(scene, tally)
  },
}

async function tooMany(scene: Scene, tally: Tally) {
  const sku = await scene.keeper.stocked(5)
  const order = await scene.reaches(await scene.place(await addedTwice(scene, sku, [3, 3])))
  tally.count('carts with too many')
  tally.must(order.reason === 'out-of-stock', `six of five pieces were ${order.status}`)
  tally.must(order.lines.length === 1, `one SKU makes ${order.lines.length} lines`)
  await scene.levelBecomes(sku, { onHand: 5, reserved: 0 })
}

async function justEnough(scene: Scene, tally: Tally) {
  const sku = await scene.keeper.stocked(5)
  const order = await scene.reaches(await scene.place(await addedTwice(scene, sku, [2, 3])))
  tally.count('carts with just enough')
  tally.must(order.status === 'confirmed', `five of five pieces were ${order.status}`)
  await scene.levelBecomes(sku, { onHand: 0, reserved: 0 })
}

async function addedTwice(scene: Scene, sku: string, quantities: readonly number[]) {
  const cart = await scene.shopper.newCart()
  await Promise.all(quantities.map((quantity) => scene.shopper.add(cart, sku, quantity)))
  return cart
}
