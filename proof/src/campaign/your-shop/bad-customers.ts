import { randomUUID } from 'node:crypto'
import { insist, tryCheckout } from '../../buyers.ts'
import type { HistoryRecorder } from '../../history.ts'
import type { Random } from '../../random.ts'
import type { Answer, GuestCart, Shopper } from '../../shopper.ts'
import { hangUp, type RoughCall, sendInCrumbs } from './rough-client.ts'

/** Somebody in a shop, with a filled cart and a way of checking out that must do no harm. */
export interface Scene {
  readonly shopper: Shopper
  readonly url: string
  readonly cart: GuestCart
  readonly key: string
  readonly method: string
  readonly random: Random
  readonly history: HistoryRecorder
}

export interface BadCustomer {
  readonly name: string
  readonly meaning: string
  /** @returns the last answer to the checkout, and what was wrong on the way */
  checkOut(scene: Scene): Promise<{ answer: Answer; violations: readonly string[] }>
}

const PATIENCE_MS = 60_000
const EMAIL = 'campaign@example.com'

const ask = (scene: Scene, key = scene.key): Promise<Answer> =>
  insist(() => tryCheckout(scene, scene.cart, { key, email: EMAIL, method: scene.method }), PATIENCE_MS)

const distinct = (answers: readonly Answer[]) => new Set(answers.map(({ status, text }) => `${status} ${text}`)).size

/** The same key was asked for several times: all answers have to be one. */
function judgeSame(answers: readonly Answer[]): { answer: Answer; violations: readonly string[] } {
  const [answer] = answers
  if (!answer) throw new Error('Nobody asked')
  const count = distinct(answers)
  return { answer, violations: count === 1 ? [] : [`one key was answered in ${count} different ways`] }
}

const roughly = ({ url, cart, key, method }: Scene): RoughCall => ({
  url,
  path: `/api/v1/carts/${cart.id}/checkout`,
  headers: { 'cart-token': cart.token, 'idempotency-key': key },
  body: JSON.stringify({
    email: EMAIL,
    shippingAddress: {
      name: 'Ada Shopper',
      line1: '1 High Street',
      city: 'York',
      postalCode: 'YO1 7HH',
      country: 'GB',
    },
    payment: { method },
  }),
})

export const badCustomers: readonly BadCustomer[] = [
  {
    name: 'asks-again',
    meaning: 'presses the button three times, one after the other',
    checkOut: async (scene) => judgeSame([await ask(scene), await ask(scene), await ask(scene)]),
  },
  {
    name: 'asks-at-once',
    meaning: 'presses the button five times at the same moment',
    checkOut: async (scene) => judgeSame(await Promise.all(Array.from({ length: 5 }, () => ask(scene)))),
  },
  {
    name: 'hangs-up',
    meaning: 'is gone before the answer comes, and asks again',
    checkOut: async (scene) => {
      for (const afterMs of [0, scene.random.between(1, 40)]) await hangUp(roughly(scene), afterMs)
      return judgeSame([await ask(scene), await ask(scene)])
    },
  },
  {
    name: 'drips',
    meaning: 'sends the request in crumbs, and asks again',
    checkOut: async (scene) => {
      await sendInCrumbs(roughly(scene), { crumbs: scene.random.between(5, 20), everyMs: 50 })
      return judgeSame([await ask(scene), await ask(scene)])
    },
  },
  {
    name: 'changes-mind',
    meaning: 'uses the key again for something else, which must be refused',
    checkOut: async (scene) => {
      const answer = await ask(scene)
      const other = await insist(async () => {
        const changed = await scene.shopper.checkout(scene.cart, { key: scene.key, email: `other-${EMAIL}` })
        return changed.status === 0 || changed.status >= 500 ? undefined : changed
      }, PATIENCE_MS)
      const refused = other.status === 422
      return { answer, violations: refused ? [] : [`a used key with another body was answered ${other.status}`] }
    },
  },
  {
    name: 'two-keys',
    meaning: 'checks one cart out twice, each time as if it were the first',
    checkOut: async (scene) => {
      const answers = await Promise.all([ask(scene), ask(scene, randomUUID()), ask(scene, randomUUID())])
      const accepted = answers.filter(({ status }) => status === 202)
      const answer = accepted[0] ?? answers[0]
      if (!answer) throw new Error('Nobody asked')
      return { answer, violations: accepted.length <= 1 ? [] : [`one cart became ${accepted.length} orders`] }
    },
  },
]
