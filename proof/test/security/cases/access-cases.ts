import { randomUUID } from 'node:crypto'
import { ADDRESS } from '../../../src/shopper.ts'
import type { Attack } from '../abuse-case.ts'
import { bearer, type Scene } from '../scene.ts'
import { type Answered, blow, send, type Wish } from '../send.ts'
import { asPerson, openDoor } from '../unprotected/door.ts'

/** A door that opens whatever is asked for by its number: it speaks in the name of the owner. */
const openByNumber = (scene: Scene) =>
  openDoor(scene.url, (asked) => {
    const [, token] = [...scene.guestTokens].find(([id]) => asked.path.includes(id)) ?? []
    const { 'cart-token': _, ...headers } = asked.headers
    return token === undefined
      ? asPerson(asked, scene.people.victim.token)
      : { ...asked, headers: { ...headers, 'cart-token': token } }
  })

const attackers = ({ people }: Scene) => bearer(people.attacker.token)

const owned = (
  name: string,
  refusals: Attack['refusals'],
  wishes: (scene: Scene) => Promise<Readonly<Record<string, Wish>>>,
): Attack => ({
  area: 'Access',
  name,
  control: 'a door that opens by the number alone, in the name of the owner',
  refusals,
  attack: async (target, scene) => {
    const blows: ReturnType<typeof blow>[] = []
    for (const [what, wish] of Object.entries(await wishes(scene))) blows.push(blow(what, await send(target, wish)))
    return blows
  },
  openUnprotected: openByNumber,
})

const checkout = (): Pick<Wish, 'method' | 'body'> => ({
  method: 'POST',
  body: { email: 'mallory@example.com', shippingAddress: ADDRESS, payment: { method: 'sandbox:success' } },
})

const another = (scene: Scene, path: string): Readonly<Record<string, Wish>> => ({
  'by nobody': { path },
  'by another customer': { path, headers: attackers(scene) },
  'by another customer who names the owner': {
    path: `${path}?customerId=${scene.people.victim.id}`,
    headers: { ...attackers(scene), 'x-user-id': scene.people.victim.id },
  },
})

export const accessCases: readonly Attack[] = [
  owned("another's order, with its address", ['404 order.unknown'], async (scene) => {
    const id = await scene.victimsOrder()
    return {
      ...another(scene, `/api/v1/orders/${id}`),
      'its timeline': { path: `/api/v1/orders/${id}/timeline`, headers: attackers(scene) },
      'its cancellation': { method: 'POST', path: `/api/v1/orders/${id}/cancel`, headers: attackers(scene) },
    }
  }),
  owned("a guest's order", ['404 order.unknown'], async (scene) => {
    const { id } = await scene.guestOrder()
    return another(scene, `/api/v1/orders/${id}`)
  }),
  owned("another's cart", ['404 cart.unknown'], async (scene) => {
    const id = await scene.victimsCart()
    const item = { method: 'POST', path: `/api/v1/carts/${id}/items`, body: { sku: scene.sku, quantity: 1 } }
    return {
      ...another(scene, `/api/v1/carts/${id}`),
      'a piece put in': { ...item, headers: attackers(scene) },
      'its checkout': {
        ...checkout(),
        path: `/api/v1/carts/${id}/checkout`,
        headers: { ...attackers(scene), 'idempotency-key': randomUUID() },
      },
    }
  }),
  owned("a guest's cart, taken over at login by its number", ['404 cart.unknown'], async (scene) => {
    const { id } = await scene.guestCart()
    return {
      ...another(scene, `/api/v1/carts/${id}`),
      'with the token of another cart': {
        path: `/api/v1/carts/${id}`,
        headers: { 'cart-token': (await scene.guestCart()).token },
      },
      'its checkout': {
        ...checkout(),
        path: `/api/v1/carts/${id}/checkout`,
        headers: { ...attackers(scene), 'idempotency-key': randomUUID() },
      },
    }
  }),
  {
    area: 'Access',
    name: 'administration through `//`, `%2e%2e`, case, trailing dot, another method',
    control: 'a door that compares the address as it came and passes on what it means',
    refusals: [
      '400 request.malformed',
      '404 route.unknown',
      '404 inventory.unknown-sku',
      '403 auth.forbidden',
      '405 route.method-not-allowed',
      '404 product.unknown',
    ],
    attack: async (target, scene) => {
      const spellings = [
        '//api/v1/coupons',
        '/api//v1/coupons',
        '/api/v1//coupons',
        '/api/v1/products/../coupons',
        '/api/v1/products/%2e%2e/coupons',
        '/api/v1/products/%2E%2E/coupons',
        '/api/v1/products/..%2fcoupons',
        '/api/v1/%63oupons',
        '/api/v1/coupons/',
        '/api/v1/coupons/.',
        '/API/v1/Coupons',
        '/api/v1/coupons.',
        '/api/v1/coupons%20',
        '/api/v1/coupons#',
        '/api/v1/./coupons',
        '/api/v1\\coupons',
      ]
      const blows = spellings.map(async (path) => blow(path, await send(target, { path, headers: attackers(scene) })))
      return Promise.all(blows)
    },
    openUnprotected: (scene) =>
      openDoor(scene.url, (asked) => {
        if (asked.path === '/api/v1/coupons') return { status: 403, body: { code: 'auth.forbidden' } }
        const tidy = decodeURIComponent(asked.path)
          .replace(/[#.\s/]+$/, '')
          .toLowerCase()
        const { pathname } = new URL(`http://shop.test/${tidy}`)
        return asPerson({ ...asked, path: pathname.replaceAll(/\/+/g, '/') }, scene.people.staff.token)
      }),
  },
  {
    area: 'Access',
    name: '*absent* and *not yours* are byte-equal',
    control: 'a door that says 403 for what is there',
    refusals: ['the same'],
    attack: async (target, scene) => {
      const [order, cart] = [await scene.victimsOrder(), await scene.victimsCart()]
      const pairs: Readonly<Record<string, (id: string) => Wish>> = {
        order: (id) => ({ path: `/api/v1/orders/${id}` }),
        timeline: (id) => ({ path: `/api/v1/orders/${id}/timeline` }),
        cancellation: (id) => ({ method: 'POST', path: `/api/v1/orders/${id}/cancel` }),
        cart: (id) => ({ path: `/api/v1/carts/${id}` }),
        checkout: (id) => ({ ...checkout(), path: `/api/v1/carts/${id}/checkout` }),
      }
      const blows = Object.entries(pairs).map(async ([what, wish]) => {
        const id = /cart|checkout/.test(what) ? cart : order
        const headers = { ...attackers(scene), 'idempotency-key': randomUUID() }
        const [there, absent] = [
          await send(target, { ...wish(id), headers }),
          await send(target, { ...wish(randomUUID()), headers: { ...headers, 'idempotency-key': randomUUID() } }),
        ]
        const same = withoutTrace(there) === withoutTrace(absent)
        return { what, won: !same, answer: same ? 'the same' : `${there.said} and ${absent.said}` }
      })
      return Promise.all(blows)
    },
    openUnprotected: (scene) =>
      openDoor(scene.url, async (asked) => {
        const id = /\/(?:orders|carts)\/([^/]+)/.exec(asked.path)?.[1]
        const rows = [
          ...(await scene.database('order').query('SELECT 1 FROM order_view WHERE order_id = $1', [id])),
          ...(await scene.database('cart').query('SELECT 1 FROM carts WHERE id = $1', [id])),
        ]
        return rows.length > 0 ? { status: 403, body: { code: 'order.not-yours' } } : asked
      }),
  },
]

const withoutTrace = ({ status, text }: Answered) => `${status} ${text.replace(/"traceId":"[0-9a-f]+"/, '')}`
