import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { definite } from '../buyers.ts'
import type { Answer, GuestCart } from '../shopper.ts'
import type { Race } from './race.ts'
import { atOnce, countOf, eventually, type OwnScene } from './scene.ts'
import type { Tally } from './tally.ts'

const SHOPPERS = 4
const PIECES = 10
const PRICE_MINOR = 1250

type Point = 'inside' | 'right after'

export const killedInCheckout: Race = {
  name: 'killed-in-checkout',
  fault:
    'the process dies in the final call: a customer is charged and the order is stuck, without payment or reservation, for ever',
  done: `each round two kill -9: one while ${SHOPPERS} shoppers are in the final call, one right after the first has its answer; who heard nothing asks again with the same key`,
  holds:
    'after the restart every order ends by itself: confirmed, captured once and in full, its piece gone; what was told is told again word for word',
  rounds: 6,
  shop: 'ours',
  run: async (scene, tally, round) => {
    await kill(scene, tally, { point: 'inside', afterMs: 2 * round })
    await kill(scene, tally, { point: 'right after', afterMs: 0 })
  },
}

interface Attempt {
  readonly cart: GuestCart
  readonly key: string
  readonly first: Answer
}

async function kill(scene: OwnScene, tally: Tally, { point, afterMs }: { point: Point; afterMs: number }) {
  const sku = await scene.keeper.stocked(PIECES)
  const carts = await atOnce(SHOPPERS, () => scene.cartWith([sku, 1]))
  const attempts = carts.map(async (cart): Promise<Attempt> => {
    const key = randomUUID()
    return { cart, key, first: await scene.shopper.checkout(cart, { key }) }
  })
  await (point === 'inside' ? sleep(afterMs) : Promise.race(attempts))
  await scene.own.kill()
  const made = await Promise.all(attempts)
  const killedAt = performance.now()
  await scene.own.restart()
  tally.waited('restart', performance.now() - killedAt)
  const readyAt = performance.now()
  await Promise.all(made.map((attempt) => finish(scene, tally, attempt)))
  tally.waited('until all have ended, after the restart', performance.now() - readyAt)
  tally.count('kills')
  tally.count('orders', SHOPPERS)
  tally.count(
    'answers lost',
    countOf(made, ({ first }) => definite(first) === undefined),
  )
  await scene.levelBecomes(sku, { onHand: PIECES - SHOPPERS, reserved: 0 })
}

async function finish(scene: OwnScene, tally: Tally, { cart, key, first }: Attempt) {
  const again = () =>
    eventually('an answer to the checkout', async () => definite(await scene.shopper.checkout(cart, { key })))
  const told = definite(first)
  const answer = told ?? (await again())
  tally.must(answer.status === 202, `the checkout was answered ${answer.status} ${answer.text}`)
  const placed = { cart, orderId: answer.body.orderId, answer }
  const order = await scene.reaches(placed) // who was told does nothing more: the order ends by itself
  const { captures, capturedMinor } = await scene.moneyEnds(placed)
  tally.must(order.status === 'confirmed', `order ${placed.orderId} ended ${order.status} ${order.reason ?? ''}`)
  tally.must(captures === 1 && capturedMinor === PRICE_MINOR, `order ${placed.orderId} was charged ${capturedMinor}`)
  if (told) tally.must((await again()).text === told.text, `order ${placed.orderId} was told otherwise before the kill`)
}
