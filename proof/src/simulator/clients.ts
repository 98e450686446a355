import { createRouter } from '@micromart/gateway/router'
import { routes } from '@micromart/gateway/routes'
import type { Dispatcher } from 'undici'
import { definite, insist } from '../buyers.ts'
import { type HistoryRecord, recordHistory } from '../history.ts'
import { type Random, randomFrom } from '../random.ts'
import { type RecordedShopkeeper, type RecordedShopper, recordShopkeeper, recordShopper } from '../recorded-shopper.ts'
import type { Shopkeeper } from '../shopkeeper.ts'
import { type Answer, type GuestCart, type Shopper, shopperOver } from '../shopper.ts'
import type { Plan } from './plan.ts'
import type { Schedule } from './world/schedule.ts'
import type { World } from './world/world.ts'

export interface Clients {
  readonly records: readonly HistoryRecord[]
  /** Everybody who has come has gone. */
  readonly done: Promise<void>
}

export const skuOf = (index: number) => `SKU-${index + 1}`

/** The public API over the simulated network; the gateway's own table says which service a request belongs to. */
export function shopperIn({ network }: World): Shopper {
  const find = createRouter(routes)
  const serviceOf = (method: string, path: string): string => {
    const match = find(method, path)
    if (!match || !('route' in match)) throw new Error(`The gateway has no route for ${method} ${path}`)
    return match.route.service
  }
  return shopperOver({
    send: async ({ method, path, headers, body }) => {
      const response = await network.request(serviceOf(method, path), {
        method,
        path,
        headers: headers as Readonly<Record<string, string>>,
        ...(body === undefined ? {} : { body: String(body) }),
      })
      const text = async () => response.text
      return { statusCode: response.status, headers: response.headers, body: { text } } as Dispatcher.ResponseData
    },
    close: async () => {},
  })
}

/** Staff who signed in when the shop was opened; the products are there. */
function keeperIn(shopper: Shopper, staffToken: string): Shopkeeper {
  const refuse = () => Promise.reject(new Error('the products are made when the shop is opened'))
  return {
    call: (call) => shopper.call({ ...call, headers: { authorization: `Bearer ${staffToken}` } }),
    listed: refuse,
    stocked: refuse,
    coupon: refuse,
    restock: refuse,
  }
}

const METHODS = [
  'success',
  'success',
  'success',
  'slow',
  'decline',
  'late',
  'action',
  'duplicate-webhook',
  'silent',
  'unknown',
]
const FINAL = new Set(['confirmed', 'cancelled', 'refunded'])
const PATIENCE_MS = 600_000

const persist = <T>(step: () => Promise<T | undefined>) => insist(step, PATIENCE_MS)
const answered = (ask: () => Promise<Answer>) => persist(async () => definite(await ask()))

/** What everybody in one run has in common. */
interface Market {
  readonly plan: Plan
  readonly schedule: Schedule
  readonly shopper: Shopper
  readonly recorded: () => RecordedShopper
  readonly staff: () => RecordedShopkeeper
}

/** Shoppers who want the same few pieces, change their minds, and never take silence for an answer. */
export function sendClients(world: World, plan: Plan, { staffToken }: { staffToken: string }): Clients {
  const { schedule } = world
  const random = randomFrom(plan.seed, 'clients')
  const history = recordHistory({ now: () => schedule.nowMs })
  const shopper = shopperIn(world)
  const keeper = keeperIn(shopper, staffToken)
  const market: Market = {
    ...{ plan, schedule, shopper },
    recorded: () => recordShopper(shopper, history),
    staff: () => recordShopkeeper(keeper, history),
  }
  const everybody = async () => {
    for (const [index, quantity] of plan.stock.entries())
      await answered(() => market.staff().setStock(skuOf(index), quantity))
    const coupon = random.chance(0.4) ? await makeCoupon(market, random.between(1, 3)) : undefined
    const shoppers = Array.from({ length: plan.shoppers }, (_, index) =>
      shop(market, random.fork(`shopper ${index}`), coupon),
    )
    const counts = Array.from({ length: random.between(0, 2) }, (_, index) =>
      count(market, random.fork(`staff ${index}`)),
    )
    await Promise.all([...shoppers, ...counts])
  }
  return { records: history.records, done: everybody() }
}

const makeCoupon = (market: Market, mostUses: number) =>
  persist(() =>
    market
      .staff()
      .coupon({ kind: 'percent', percent: 10, mostUses })
      .catch(() => undefined),
  )

/** Somebody of the staff counts, and somebody looks at the shelf. */
async function count({ plan, schedule, staff, recorded }: Market, chance: Random) {
  await schedule.pause(chance.between(0, plan.stormMs))
  const sku = skuOf(chance.between(0, plan.stock.length - 1))
  await answered(() => staff().adjust(sku, chance.pick([-1, 1, 2])))
  await answered(() => recorded().readStock(sku))
}

async function shop(market: Market, chance: Random, coupon: string | undefined) {
  const { plan, schedule, shopper } = market
  await schedule.pause(chance.between(0, plan.stormMs * 0.7))
  const cart = await persist(() => shopper.newCart().catch(() => undefined))
  const wishes = Array.from({ length: chance.between(1, 3) }, () => ({
    sku: skuOf(chance.between(0, plan.stock.length - 1)),
    quantity: chance.between(1, 3),
  }))
  const fill = ({ sku, quantity }: (typeof wishes)[number]) =>
    answered(() => market.recorded().add(cart, sku, quantity))
  // two windows of one shopper, or one after the other
  if (chance.chance(0.3)) await Promise.all(wishes.map(fill))
  else for (const wish of wishes) await fill(wish)
  const accepted = await checkOut(market, chance, { cart, coupon: chance.chance(0.6) ? coupon : undefined })
  if (accepted.status === 202) await follow(market, chance, { cart, orderId: accepted.body.orderId })
}

async function checkOut(
  { shopper, recorded }: Market,
  chance: Random,
  { cart, coupon }: { cart: GuestCart; coupon: string | undefined },
): Promise<Answer> {
  if (coupon) await answered(() => shopper.applyCoupon(cart, coupon))
  const keyed = (more: object) => ({
    key: `key-${Math.floor(chance.next() * 1e12)}-${cart.id}`,
    email: `${cart.id}@example.com`,
    method: `sandbox:${chance.pick(METHODS)}`,
    ...more,
  })
  const press = (wish: ReturnType<typeof keyed>) => answered(() => recorded().checkout(cart, wish))
  const wish = keyed(coupon ? { coupon } : {})
  const fingers = chance.chance(0.3) ? 2 : 1
  const [answer] = (await Promise.all(Array.from({ length: fingers }, () => press(wish)))) as [Answer]
  if (answer.body?.code !== 'cart.coupon-used-up') return answer
  await answered(() => shopper.removeCoupon(cart))
  return press(keyed({}))
}

async function follow(
  { schedule, shopper, recorded }: Market,
  chance: Random,
  { cart, orderId }: { cart: GuestCart; orderId: string },
) {
  if (chance.chance(0.2)) {
    await schedule.pause(chance.between(0, 1_500))
    await answered(() => recorded().cancel(orderId, cart))
  }
  for (let look = 0; look < 30; look++) {
    await schedule.pause(chance.between(200, 800))
    const { body } = await answered(() => recorded().readOrder(orderId, cart))
    // the money is on its way now, or has just arrived
    if (body?.status === 'confirmed' && chance.chance(0.15)) await answered(() => recorded().cancel(orderId, cart))
    else if (FINAL.has(body?.status)) return
    const page: string | undefined = body?.payment?.actionUrl
    if (page && chance.chance(0.5)) await decide(shopper, chance, page)
  }
}

const decide = (shopper: Shopper, chance: Random, page: string) => {
  const body = { outcome: chance.pick(['approve', 'approve', 'decline']) }
  return answered(() => shopper.call({ method: 'POST', path: new URL(page).pathname, body }))
}
