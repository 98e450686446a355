import type { Race } from './race.ts'
import { atOnce, type Placed, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

const SHOPPERS = 10
const CHANGES = 20

export const frozenPrice: Race = {
  name: 'frozen-price',
  fault: 'price or stock is changed while the customer checks out, and something else is charged than was shown',
  done: `${SHOPPERS} carts are checked out while staff change the price and the count of the product ${CHANGES} times each`,
  holds:
    'every order is confirmed, costs and is charged what its cart showed; a new cart costs the new price; the books agree',
  rounds: 5,
  shop: 'any',
  run: async (scene, tally) => {
    const sku = await scene.keeper.stocked(2 * SHOPPERS)
    const carts = await atOnce(SHOPPERS, () => scene.cartWith([sku, 1]))
    const [placed] = await Promise.all([
      Promise.all(carts.map((cart) => scene.place(cart))),
      atOnce(CHANGES, (turn) => changePrice(scene, tally, { sku, minor: 9_900 + turn })),
      atOnce(CHANGES, (turn) => scene.keeper.restock(sku, 2 * SHOPPERS + turn)),
    ])
    await Promise.all(placed.map((each) => judge(scene, tally, each)))
    const dear = await scene.place(await scene.cartWith([sku, 1]))
    tally.must(dear.answer.body.total.minor >= 9_900, `a new cart still costs ${dear.answer.body.total.minor}`)
    await scene.reaches(dear)
  },
}

async function changePrice({ keeper }: Scene, tally: Tally, { sku, minor }: { sku: string; minor: number }) {
  const body = { variants: [{ sku, price: { minor, currency: 'USD' } }] }
  const answer = await keeper.call({ method: 'PATCH', path: `/api/v1/products/${sku.toLowerCase()}`, body })
  tally.count('price changes')
  tally.must(answer.status === 200, `the price was not changed: ${answer.status} ${answer.text}`)
}

async function judge(scene: Scene, tally: Tally, placed: Placed) {
  const order = await scene.reaches(placed)
  const { capturedMinor } = await scene.moneyEnds(placed)
  const prices = [placed.answer.body.total.minor, order.total.minor, capturedMinor]
  tally.count('orders')
  tally.must(order.status === 'confirmed', `order ${placed.orderId} is ${order.status} ${order.reason ?? ''}`)
  tally.must(String(prices) === '1250,1250,1250', `shown 1250; accepted, ordered and charged are ${prices.join(', ')}`)
}
