import { randomUUID } from 'node:crypto'
import { definite } from '../buyers.ts'
import type { Answer, GuestCart } from '../shopper.ts'
import type { Race } from './race.ts'
import { atOnce, countOf, eventually, type Scene } from './scene.ts'

const TIMES = 50

export const oneKey: Race = {
  name: 'one-key',
  fault: 'the button pressed many times makes several orders and several charges',
  done: `one checkout ${TIMES} times at once under one Idempotency-Key; then another cart ${TIMES} times at once, half of them with another body; who is told to wait asks again`,
  holds:
    'one order, one capture, all answers equal byte for byte; every other body is refused as idempotency.key-reused',
  rounds: 5,
  shop: 'any',
  run: async (scene, tally) => {
    const sku = await scene.keeper.stocked(2)
    const bodies = [['same@example.com'], ['one@example.com', 'two@example.com']]
    for (const emails of bodies) {
      const cart = await scene.cartWith([sku, 1])
      const answers = await pressed(scene, cart, emails)
      const accepted = answers.filter(({ status }) => status === 202)
      const reused = countOf(answers, ({ status, body }) => status === 422 && body?.code === 'idempotency.key-reused')
      const texts = new Set(accepted.map(({ text, headers }) => `${headers['location']} ${text}`))
      tally.count('keys')
      tally.count('presses', TIMES)
      tally.count('different answers', texts.size)
      tally.count('refused', reused)
      tally.must(texts.size === 1, `one key got ${texts.size} different answers`)
      tally.must(accepted.length === TIMES / emails.length, `${accepted.length} of ${TIMES} were accepted`)
      tally.must(accepted.length + reused === TIMES, `${TIMES - accepted.length - reused} had neither answer`)
      const [answer] = accepted
      if (!answer) continue
      const { captures } = await scene.moneyEnds({ cart, orderId: answer.body.orderId, answer })
      tally.count('captures', captures)
      tally.must(captures === 1, `one key was charged ${captures} times`)
    }
    await scene.levelBecomes(sku, { onHand: 0, reserved: 0 })
  },
}

const pressed = (scene: Scene, cart: GuestCart, emails: readonly string[]): Promise<readonly Answer[]> => {
  const key = randomUUID()
  return atOnce(TIMES, (turn) =>
    eventually('an answer to the checkout', async () => {
      const email = emails[turn % emails.length] ?? ''
      return definite(await scene.shopper.checkout(cart, { key, email }))
    }),
  )
}
