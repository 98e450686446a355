import type { Plan } from './plan.ts'
import { type Random, randomFrom } from './random.ts'
import { type HttpResponse, NoAnswer } from './world/network.ts'
import type { World } from './world/world.ts'

/** One line of what the clients saw. */
export interface Seen {
  readonly type: 'invoke' | 'ok' | 'fail' | 'info'
  readonly op: 'checkout'
  readonly key: string
  readonly orderId?: string
  readonly body?: string
}

export interface Clients {
  readonly seen: readonly Seen[]
  /** Everybody who has come has gone. */
  readonly done: Promise<void>
}

/** What people ask of a service, through nothing but its public routes such as `GET /api/v1/carts/1`. */
export type Ask = (service: string, route: string, options?: AskOptions) => Promise<Answer>

interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Answer {
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: clients look into bodies freely
  readonly body: any
}

export const skuOf = (index: number) => `SKU-${index + 1}`

export const asking =
  ({ network }: World): Ask =>
  async (service, route, { headers = {}, body } = {}) => {
    const [method = '', path = ''] = route.split(' ')
    const json = body === undefined ? {} : { body: JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    return answerOf(await network.request(service, { method, path, headers: { ...type, ...headers }, ...json }))
  }

const answerOf = ({ status, text }: HttpResponse): Answer => ({
  status,
  text,
  body: text === '' ? undefined : JSON.parse(text),
})

const METHODS = ['success', 'success', 'success', 'slow', 'decline', 'late', 'action', 'duplicate-webhook', 'unknown']
const ADDRESS = { name: 'Ada Shopper', line1: '1 High Street', city: 'York', postalCode: 'YO1 7HH', country: 'GB' }

/** Shoppers who want the same few pieces, change their minds, and never take silence for an answer. */
export function sendClients(world: World, plan: Plan, { staffToken }: { staffToken: string }): Clients {
  const { schedule } = world
  const random = randomFrom(plan.seed, 'clients')
  const seen: Seen[] = []
  const ask = asking(world)
  const staff = { authorization: `Bearer ${staffToken}` }

  /** Again and again until there is an answer that says what became of it. */
  const insist = async (chance: Random, ask: () => Promise<Answer>): Promise<Answer> => {
    for (;;) {
      const answer = await ask().catch((error: unknown) => {
        if (error instanceof NoAnswer) return undefined
        throw error
      })
      const isDefinite = answer && answer.status < 500 && answer.body?.code !== 'idempotency.in-flight'
      if (isDefinite) return answer
      await schedule.pause(chance.between(50, 400))
    }
  }

  const stockUp = async () => {
    const items = plan.stock.map((quantity, index) => ({ sku: skuOf(index), quantity }))
    const headers = { ...staff, 'idempotency-key': 'opening' }
    await insist(random, () =>
      ask('inventory', 'POST /api/v1/inventory/opening-stock', { headers, body: { items, overwrite: true } }),
    )
  }

  const adjust = async (chance: Random) => {
    await schedule.pause(chance.between(0, plan.stormMs))
    const sku = skuOf(chance.between(0, plan.stock.length - 1))
    const body = { quantity: chance.pick([-1, 1, 2]), reason: 'counted' }
    const headers = { ...staff, 'idempotency-key': `adjust ${chance.next()}`.slice(0, 30).replace(' ', '-') }
    await insist(chance, () => ask('inventory', `POST /api/v1/inventory/${sku}/adjustments`, { headers, body }))
  }

  const shop = async (chance: Random) => {
    await schedule.pause(chance.between(0, plan.stormMs * 0.7))
    const started = await insist(chance, () => ask('cart', 'POST /api/v1/carts', { body: {} }))
    const { id, token } = started.body as { id: string; token: string }
    const mine = { 'cart-token': token }
    for (let line = chance.between(1, 3); line > 0; line--) {
      const body = { sku: skuOf(chance.between(0, plan.stock.length - 1)), quantity: chance.between(1, 3) }
      await insist(chance, () => ask('cart', `POST /api/v1/carts/${id}/items`, { headers: mine, body }))
    }
    const accepted = await checkOut(chance, id, mine)
    if (accepted.status !== 202) return
    await follow(chance, accepted.body.orderId, mine)
  }

  const checkOut = async (chance: Random, cartId: string, mine: Readonly<Record<string, string>>) => {
    const key = `key-${Math.floor(chance.next() * 1e12)}-${cartId}`
    const body = {
      email: 'ada@example.com',
      shippingAddress: ADDRESS,
      payment: { method: `sandbox:${chance.pick(METHODS)}` },
    }
    const attempt = async () => {
      seen.push({ type: 'invoke', op: 'checkout', key })
      const answer = await ask('cart', `POST /api/v1/carts/${cartId}/checkout`, {
        headers: { ...mine, 'idempotency-key': key },
        body,
      }).catch((error: unknown) => {
        seen.push({ type: 'info', op: 'checkout', key })
        throw error
      })
      seen.push(
        answer.status === 202
          ? { type: 'ok', op: 'checkout', key, orderId: answer.body.orderId, body: answer.text }
          : { type: answer.status >= 500 ? 'info' : 'fail', op: 'checkout', key },
      )
      return answer
    }
    const fingers = chance.chance(0.3) ? 2 : 1
    const answers = await Promise.all(Array.from({ length: fingers }, () => insist(chance, attempt)))
    return answers[0] as Answer
  }

  const follow = async (chance: Random, orderId: string, mine: Readonly<Record<string, string>>) => {
    if (chance.chance(0.15)) {
      await schedule.pause(chance.between(0, 1_500))
      await insist(chance, () =>
        ask('order', `POST /api/v1/orders/${orderId}/cancel`, {
          headers: { ...mine, 'idempotency-key': `cancel-${orderId}` },
        }),
      )
    }
    for (let look = 0; look < 30; look++) {
      await schedule.pause(chance.between(200, 800))
      const { body } = await insist(chance, () => ask('order', `GET /api/v1/orders/${orderId}`, { headers: mine }))
      if (['confirmed', 'cancelled', 'refunded'].includes(body?.status)) return
      if (body?.actionUrl && chance.chance(0.5)) await decide(chance, body.actionUrl)
    }
  }

  const decide = async (chance: Random, actionUrl: string) => {
    const reference = actionUrl.split('/').at(-1)
    const body = { outcome: chance.pick(['approve', 'approve', 'decline']) }
    await insist(chance, () => ask('payment', `POST /api/v1/payments/sandbox/actions/${reference}`, { body }))
  }

  const everybody = async () => {
    await stockUp()
    const shoppers = Array.from({ length: plan.shoppers }, (_, index) => shop(random.fork(`shopper ${index}`)))
    const counts = Array.from({ length: random.between(0, 2) }, (_, index) => adjust(random.fork(`staff ${index}`)))
    await Promise.all([...shoppers, ...counts])
  }
  return { seen, done: everybody() }
}
