import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '@micromart/kernel/clock'

/** A process as the simulator sees it: once it is dead, nothing that it began goes on. */
export interface Actor {
  readonly name: string
  readonly alive: boolean
}

/** What happens when: one thing at a time, in the order of a clock that only moves when everything that can run has run. */
export interface Schedule extends Clock {
  readonly nowMs: number
  /** Runs `action` after `delayMs` as the actor that asks for it; not at all if that one is dead by then. @returns what cancels it */
  after(delayMs: number, action: () => void): () => void
  pause(delayMs: number): Promise<void>
  /** Everything that `work` begins belongs to the actor. */
  as<T>(actor: Actor | undefined, work: () => T): T
  /** Whatever the actor would do before then happens then. */
  freeze(actor: Actor, untilMs: number): void
  /** Runs until `isOver` or until nothing is left to happen. */
  run(isOver: () => boolean): Promise<void>
  /** Counted while something outside the simulation (a thread of the crypto library) works for it. */
  readonly outside: { running: number }
}

interface Event {
  readonly at: number
  readonly order: number
  readonly actor: Actor | undefined
  action: (() => void) | undefined
}

const turn = () => new Promise<void>((resolve) => realSetImmediate(resolve))
const realSetImmediate = setImmediate

export function createSchedule(startMs: number): Schedule {
  const frozen = new Map<Actor, number>()
  const actors = new AsyncLocalStorage<Actor | undefined>()
  const events: Event[] = []
  const outside = { running: 0 }
  let nowMs = startMs
  let order = 0

  const after = (delayMs: number, action: () => void) => {
    const event: Event = { at: nowMs + Math.max(0, delayMs), order: order++, actor: actors.getStore(), action }
    push(events, event)
    return () => {
      event.action = undefined
    }
  }

  const happen = ({ at, actor, action }: Event) => {
    nowMs = Math.max(nowMs, at)
    if (!action || actor?.alive === false) return
    const untilMs = (actor && frozen.get(actor)) ?? 0
    if (untilMs > nowMs) push(events, { at: untilMs, order: order++, actor, action })
    else actors.run(actor, action)
  }

  return {
    get nowMs() {
      return nowMs
    },
    now: () => new Date(nowMs),
    after,
    pause: (delayMs) => new Promise((resolve) => after(delayMs, resolve)),
    as: (actor, work) => actors.run(actor, work),
    freeze: (actor, untilMs) => void frozen.set(actor, untilMs),
    outside,
    run: async (isOver) => {
      for (;;) {
        do await turn()
        while (outside.running > 0)
        if (isOver()) return
        const event = pop(events)
        if (!event) return
        happen(event)
      }
    },
  }
}

const isBefore = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order)

/** A binary heap: the next event is always first. */
function push(heap: Event[], event: Event) {
  let at = heap.push(event) - 1
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above] as Event
    if (isBefore(parent, event)) break
    heap[at] = parent
    at = above
  }
  heap[at] = event
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (!first || !last || first === last) return first
  let at = 0
  for (;;) {
    let below = 2 * at + 1
    if (below >= heap.length) break
    const right = heap[below + 1]
    if (right && isBefore(right, heap[below] as Event)) below += 1
    const child = heap[below] as Event
    if (isBefore(last, child)) break
    heap[at] = child
    at = below
  }
  heap[at] = last
  return first
}
