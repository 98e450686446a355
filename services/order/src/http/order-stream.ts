import { Readable } from 'node:stream'
import { evolve, noOrder, type Order } from '../domain/order.ts'
import { isSettled } from '../domain/progress.ts'
import type { FollowOrders } from '../follow-orders.ts'
import type { OrderStep } from '../ports.ts'
import { publicData } from './order-access.ts'

/** A comment, so that nobody on the way takes the silence of a waiting order for the end of the connection. */
const HEARTBEAT_MS = 15_000
/** Then the client comes back with `Last-Event-ID`, and shows again that it may. */
const LONGEST_MS = 600_000
/** A reader that is so far behind gets no heartbeats. */
const MOST_WAITING_BYTES = 65_536

/** What has happened so far, and what an order has become by it. */
export interface Progress {
  readonly order: Order
  readonly steps: readonly OrderStep[]
}

export const progressOf = (steps: readonly OrderStep[]): Progress => ({
  order: steps.reduce((order, { event }) => evolve(order, event), noOrder),
  steps,
})

export function isOver({ order, steps }: Progress): boolean {
  const last = steps.at(-1)
  return last !== undefined && isSettled(order, last.event)
}

/**
 * The steps of an order after a version as server-sent events (HTML Standard, section 9.2), the next ones as they happen; ends with `end`
 * when the order is settled, and without a word when `leaving` is aborted: the client then comes back elsewhere.
 */
export function orderStream(
  orderId: string,
  { past, after, follow, leaving }: { past: Progress; after: number; follow: FollowOrders; leaving: AbortSignal },
): Readable {
  let { order } = progressOf(past.steps.filter(({ version }) => version <= after))
  const clean: (() => void)[] = []
  const stop = () => {
    for (const each of clean.splice(0)) each()
  }
  const stream = new Readable({
    read: () => {},
    destroy: (error, done) => {
      stop()
      done(error)
    },
  })
  const finish = () => {
    stop()
    stream.push(null)
  }
  /** What is settled may have gone on: only the last step that is known tells whether more is to come. */
  const tell = (steps: readonly OrderStep[]) => {
    for (const step of steps) {
      order = evolve(order, step.event)
      stream.push(textOf(step, order))
    }
    const last = steps.at(-1)
    if (!last || !isSettled(order, last.event)) return
    stream.push(`event: end\ndata: ${JSON.stringify({ status: order.status })}\n\n`)
    finish()
  }

  stream.push('retry: 1000\n\n')
  tell(past.steps.filter(({ version }) => version > after))
  if (isOver(past)) return stream
  if (leaving.aborted) {
    finish()
    return stream
  }
  const beat = setInterval(() => {
    if (stream.readableLength < MOST_WAITING_BYTES) stream.push(': still here\n\n')
  }, HEARTBEAT_MS)
  const end = setTimeout(finish, LONGEST_MS)
  const unfollow = follow.follow(orderId, past.steps.length, tell)
  leaving.addEventListener('abort', finish)
  clean.push(
    unfollow,
    () => clearInterval(beat),
    () => clearTimeout(end),
    () => leaving.removeEventListener('abort', finish),
  )
  return stream
}

function textOf({ version, event: { type, ...data }, at }: OrderStep, { status }: Order): string {
  const told = { version, type, status, at: at.toISOString(), data: publicData(data) }
  return `id: ${version}\ndata: ${JSON.stringify(told)}\n\n`
}
