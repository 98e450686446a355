import { randomUUID } from 'node:crypto'
import { ADDRESS, type Answer, type Call } from '../shopper.ts'
import type { Race } from './race.ts'
import { expectStatus, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

export const strangers: Race = {
  name: 'strangers',
  fault: "who knows or guesses a cart's number takes it over, with its order",
  done: "while its owner shops: every operation on a guest's and on a customer's cart, order and timeline, without a token, with a token of another cart, as another customer, and on guessed numbers",
  holds: 'each answer is the 404 of a thing that is not there, word for word; the owner notices nothing',
  rounds: 3,
  shop: 'any',
  run: async (scene, tally) => {
    const sku = await scene.keeper.stocked(10)
    const intruders = await intrudersOf(scene)
    const cart = await scene.cartWith([sku, 1])
    await allRefused(tally, intruders, cartCalls(cart.id, sku))
    const [placed] = await Promise.all([scene.place(cart), allRefused(tally, intruders, cartCalls(cart.id, sku))])
    await allRefused(tally, intruders, orderCalls(placed.orderId))
    const order = await scene.reaches(placed)
    tally.must(order.status === 'confirmed', `the owner's order is ${order.status}`)
    tally.must(order.total.minor === 1250, `the owner's order costs ${order.total.minor}`)
    await allRefused(tally, intruders, orderCalls(placed.orderId))
    await customersCart(scene, tally, sku)
    await scene.levelBecomes(sku, { onHand: 8, reserved: 0 })
  },
}

/** Somebody without the right to anything here. */
type Intruder = (call: Omit<Call, 'headers'> & { readonly key?: string }) => Promise<Answer>

async function intrudersOf(scene: Scene): Promise<readonly Intruder[]> {
  const other = await scene.shopper.newCart()
  const withHeaders =
    (headers: Readonly<Record<string, string>>): Intruder =>
    ({ key, ...call }) =>
      scene.shopper.call({ ...call, headers: { ...headers, ...(key ? { 'idempotency-key': key } : {}) } })
  return [
    withHeaders({}),
    withHeaders({ 'cart-token': other.token }),
    withHeaders({ 'cart-token': randomUUID() }),
    await scene.customer(),
  ]
}

/** A signed-in customer's cart has no token at all. */
async function customersCart(scene: Scene, tally: Tally, sku: string) {
  const owner = await scene.customer()
  const { body: cart } = expectStatus(201, await owner({ method: 'POST', path: '/api/v1/carts', body: {} }))
  const path = `/api/v1/carts/${cart.id}`
  expectStatus(201, await owner({ method: 'POST', path: `${path}/items`, body: { sku, quantity: 1 } }))
  await allRefused(tally, await intrudersOf(scene), cartCalls(cart.id, sku))
  const kept = expectStatus(200, await owner({ method: 'GET', path })).body
  tally.must(kept.version === 2 && kept.lines.length === 1, "a stranger changed the customer's cart")
  const checkout = { shippingAddress: ADDRESS, payment: { method: 'sandbox:success' } }
  const { body } = expectStatus(
    202,
    await owner({ method: 'POST', path: `${path}/checkout`, body: checkout, key: randomUUID() }),
  )
  await allRefused(tally, await intrudersOf(scene), orderCalls(body.orderId))
}

type Asked = Omit<Call, 'headers'> & { readonly key?: string }

const cartCalls =
  (id: string, sku: string) =>
  (given: string): readonly Asked[] => {
    const path = `/api/v1/carts/${given === '' ? id : given}`
    const checkout = { email: 'thief@example.com', shippingAddress: ADDRESS, payment: { method: 'sandbox:success' } }
    return [
      { method: 'GET', path },
      { method: 'POST', path: `${path}/items`, body: { sku, quantity: 1 } },
      { method: 'PATCH', path: `${path}/items/${randomUUID()}`, body: { quantity: 9 } },
      { method: 'DELETE', path: `${path}/items/${randomUUID()}` },
      { method: 'POST', path: `${path}/checkout`, body: checkout, key: randomUUID() },
    ]
  }

const orderCalls =
  (id: string) =>
  (given: string): readonly Asked[] => {
    const path = `/api/v1/orders/${given === '' ? id : given}`
    return [
      { method: 'GET', path },
      { method: 'GET', path: `${path}/timeline` },
      { method: 'POST', path: `${path}/cancel` },
    ]
  }

/** What is there is answered to a stranger as what is not: a random number, and the neighbour of the real one. */
async function allRefused(tally: Tally, intruders: readonly Intruder[], callsOn: (id: string) => readonly Asked[]) {
  const absent = callsOn(randomUUID())
  await Promise.all(
    intruders.map(async (intruder) => {
      const real = await Promise.all(callsOn('').map(intruder))
      const missing = await Promise.all(absent.map(intruder))
      real.forEach((answer, index) => {
        tally.count('tries')
        tally.must(answer.status === 404, `a stranger was answered ${answer.status} ${answer.text}`)
        tally.must(shownBy(answer) === shownBy(missing[index]), `a stranger can tell that it is there: ${answer.text}`)
      })
    }),
  )
}

/** All but the number of the request itself. */
function shownBy(answer: Answer | undefined): string {
  const { traceId: _, ...shown } = answer?.body ?? {}
  return JSON.stringify([answer?.status, shown])
}
