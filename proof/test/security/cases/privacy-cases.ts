import { randomUUID } from 'node:crypto'
import { ADDRESS } from '../../../src/shopper.ts'
import type { Attack } from '../abuse-case.ts'
import { blow, send } from '../send.ts'
import { openDoor } from '../unprotected/door.ts'

const CARD = '4242424242424242'

export const privacyCases: readonly Attack[] = [
  {
    area: 'Privacy',
    name: 'a card number, wherever it is written',
    control: 'a door that takes whatever text it is given, and logs it',
    refusals: ['422 cart.card-number', '400 request.invalid'],
    attack: async (target, scene) => {
      const places = {
        name: { shippingAddress: { ...ADDRESS, name: `Ada ${CARD}` } },
        'spelled with blanks': { shippingAddress: { ...ADDRESS, line1: '4242 4242 4242 4242' } },
        'to pay with': { payment: { method: CARD } },
        'a field of its own': { card: CARD },
      }
      const blows = Object.entries(places).map(async ([what, place]) => {
        const cart = await scene.guestCart()
        const answer = await send(target, {
          method: 'POST',
          path: `/api/v1/carts/${cart.id}/checkout`,
          headers: { 'cart-token': cart.token, 'idempotency-key': randomUUID() },
          body: {
            email: 'ada@example.com',
            shippingAddress: ADDRESS,
            payment: { method: 'sandbox:success' },
            ...place,
          },
        })
        return blow(what, answer, answer.status < 300 || (await scene.log()).includes(CARD))
      })
      return Promise.all(blows)
    },
    openUnprotected: (scene) => openDoor(scene.url, () => ({ status: 202, body: {} })),
  },
  {
    area: 'Privacy',
    name: 'no secret or personal data in a log',
    control: 'a door that logs requests with their headers and bodies',
    refusals: [/^\d{3}/],
    attack: async (target, scene) => {
      const canary = `canary${randomUUID().slice(0, 8)}`
      const wishes = {
        'a password': {
          method: 'POST',
          path: '/api/v1/auth/login',
          body: { email: `${canary}@example.com`, password: canary },
        },
        'an address': {
          method: 'POST',
          path: '/api/v1/auth/register',
          body: { email: `${canary}-2@example.com`, password: 'long enough', name: canary },
        },
        'a token': { path: '/api/v1/users/me', headers: { authorization: `Bearer ${canary}` } },
        'a cart token': { path: `/api/v1/carts/${randomUUID()}`, headers: { 'cart-token': canary } },
        'a search': { path: `/api/v1/products?q=${canary}` },
        'a mail address in a query': { path: `/api/v1/mailbox?to=${canary}%40example.com` },
      }
      const answers = Object.entries(wishes).map(async ([what, wish]) => ({ what, answer: await send(target, wish) }))
      const all = await Promise.all(answers)
      const log = target === scene ? await scene.log() : (await send(target, { path: '/log' })).body.log
      return all.map(({ what, answer }) => blow(what, answer, log.includes(canary)))
    },
    openUnprotected: (scene) => {
      let log = ''
      return openDoor(scene.url, (asked) => {
        if (asked.path === '/log') return { status: 200, body: { log } }
        log += JSON.stringify({ ...asked, body: asked.body.toString() })
        return asked
      })
    },
  },
]
