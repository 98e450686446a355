import { randomUUID } from 'node:crypto'
import { ADDRESS, type Answer } from '../shopper.ts'
import type { Race } from './race.ts'
import { atOnce, countOf, expectStatus, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

const SHOPPERS = 50
const USES = 10
const CARTS = 20
const PERCENT = 10
const REDUCED_MINOR = 1125

export const couponLimits: Race = {
  name: 'coupon-limits',
  fault: 'a coupon is used more often than its limit says, by many or by one customer many times at once',
  done: `${SHOPPERS} shoppers check out with a coupon of ${USES} uses at once; one customer checks out ${CARTS} carts at once with a coupon of one use for each customer`,
  holds: `exactly ${USES} and exactly 1 are accepted at the reduced price; the others are refused as used up, or used before by this customer, and place no order`,
  rounds: 5,
  shop: 'any',
  unavailable: async ({ keeper }) => {
    const { status, body } = await keeper.call({ method: 'POST', path: '/api/v1/coupons', body: {} })
    return status === 404 && body?.code === 'route.unknown' ? 'this shop has no coupons' : undefined
  },
  run: async (scene, tally) => {
    await manyShoppers(scene, tally)
    await oneCustomer(scene, tally)
  },
}

async function manyShoppers(scene: Scene, tally: Tally) {
  const sku = await scene.keeper.stocked(SHOPPERS)
  const code = await newCoupon(scene, { mostUses: USES })
  const carts = await atOnce(SHOPPERS, () => scene.cartWith([sku, 1]))
  for (const { id, token } of carts) {
    const path = `/api/v1/carts/${id}/coupon`
    expectStatus(
      200,
      await scene.shopper.call({ method: 'PUT', path, body: { code }, headers: { 'cart-token': token } }),
    )
  }
  const answers = await Promise.all(carts.map((cart) => scene.shopper.checkout(cart)))
  tally.count('shoppers', SHOPPERS)
  judge(tally, answers, { what: 'uses', most: USES, refusal: 'cart.coupon-used-up' })
  const orders = await Promise.all(
    answers.flatMap((answer, index) => {
      const cart = carts[index]
      return answer.status === 202 && cart ? [scene.reaches({ cart, orderId: answer.body.orderId, answer })] : []
    }),
  )
  for (const { total } of orders)
    tally.must(total.minor === REDUCED_MINOR, `an order with the coupon costs ${total.minor}`)
  await scene.levelBecomes(sku, { onHand: SHOPPERS - orders.length, reserved: 0 })
}

async function oneCustomer(scene: Scene, tally: Tally) {
  const sku = await scene.keeper.stocked(CARTS)
  const code = await newCoupon(scene, { mostUsesPerCustomer: 1 })
  const call = await scene.customer()
  const carts = await atOnce(CARTS, async () => {
    const { body: cart } = expectStatus(201, await call({ method: 'POST', path: '/api/v1/carts', body: {} }))
    const path = `/api/v1/carts/${cart.id}`
    expectStatus(201, await call({ method: 'POST', path: `${path}/items`, body: { sku, quantity: 1 } }))
    expectStatus(200, await call({ method: 'PUT', path: `${path}/coupon`, body: { code } }))
    return path
  })
  const body = { shippingAddress: ADDRESS, payment: { method: 'sandbox:success' } }
  const answers = await Promise.all(
    carts.map((path) => call({ method: 'POST', path: `${path}/checkout`, body, key: randomUUID() })),
  )
  tally.count('carts of one customer', CARTS)
  judge(tally, answers, { what: 'uses by one customer', most: 1, refusal: 'cart.coupon-used-before' })
  await scene.levelBecomes(sku, { onHand: CARTS - 1, reserved: 0 })
}

async function newCoupon({ keeper }: Scene, limits: Readonly<Record<string, number>>): Promise<string> {
  const code = `RACE-${randomUUID().slice(0, 8).toUpperCase()}`
  const body = { code, kind: 'percent', percent: PERCENT, ...limits }
  expectStatus(201, await keeper.call({ method: 'POST', path: '/api/v1/coupons', body }))
  return code
}

function judge(
  tally: Tally,
  answers: readonly Answer[],
  { what, most, refusal }: { what: string; most: number; refusal: string },
) {
  const accepted = countOf(answers, ({ status }) => status === 202)
  const refused = countOf(answers, ({ status, body }) => status === 409 && body?.code === refusal)
  tally.count(what, accepted)
  tally.must(accepted === most, `${accepted} ${what} of a coupon for ${most}`)
  tally.must(refused === answers.length - most, `${refused} of ${answers.length} were refused as ${refusal}`)
}
