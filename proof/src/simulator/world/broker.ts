import type { Envelope } from '@micromart/contracts/envelope'
import { topology } from '@micromart/contracts/topology'
import type {
  BatchHandler,
  BroadcastListener,
  Broker,
  Consumer,
  Delivery,
  PublishOutcome,
  Verdict,
} from '@micromart/messaging/broker'
import type { Random } from '../../random.ts'
import type { Noise } from '../plan.ts'
import type { Actor, Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

interface Message {
  readonly label: string
  readonly body: string
  attempt: number
}

interface Subscriber {
  readonly actor: Actor
  readonly batchSize: number
  readonly handle: BatchHandler
  /** Handed over and not acknowledged. */
  unacknowledged: readonly Message[]
  closed: boolean
}

interface Listener {
  readonly actor: Actor
  readonly types: readonly string[]
  readonly listener: BroadcastListener
}

interface Queue {
  readonly name: string
  readonly messages: Message[]
  readonly subscribers: Set<Subscriber>
}

export interface SimulatedBroker {
  /** The broker as one process knows it. */
  connect(actor: Actor): Broker
  /** What the process had in hand goes back to its queues. */
  drop(actor: Actor): void
  /** Throws everybody out and is away until `start`; what is stored stays. */
  stop(): void
  start(): void
  calm(): void
  isQuiet(): boolean
}

const DELIVERY_LIMIT = 10
const CONFIRM_TIMEOUT_MS = 2_000

/**
 * RabbitMQ as its users see it: durable queues, confirms, acknowledgements, at-least-once delivery. It is harsher than the real one in
 * that it keeps no order at all: messages overtake each other as the seed wants.
 */
export function createSimulatedBroker(options: {
  schedule: Schedule
  random: Random
  trace: Trace
  noise: Noise
}): SimulatedBroker {
  const { schedule, random, trace } = options
  const queues = new Map<string, Queue>(
    Object.keys(topology).map((name) => [name, { name, messages: [], subscribers: new Set() }]),
  )
  const listeners = new Set<Listener>()
  let { noise } = options
  let running = true

  const put = (queue: Queue, message: Message, delayMs = 0) => {
    queue.messages.push(message)
    schedule.as(undefined, () => schedule.after(delayMs + random.next() * 3, () => deliver(queue)))
  }

  const store = (type: string, message: { label: string; body: string }) => {
    const bound = [...queues.values()].filter(({ name }) => topology[name]?.includes(type))
    const copies = random.chance(noise.delivered.twice) ? [...bound, ...bound] : bound
    for (const queue of copies) {
      const lateMs = random.chance(noise.delivered.late) ? random.between(10, 3_000) : 0
      schedule.as(undefined, () => schedule.after(lateMs, () => put(queue, { ...message, attempt: 1 })))
    }
  }

  /** As real ones do, the broker forgets a broadcast that somebody is not there for. */
  const broadcast = (type: string, body: string) => {
    for (const { actor, listener } of [...listeners].filter(({ types }) => types.includes(type)))
      schedule.as(actor, () => schedule.after(random.next() * 3, () => listener.hear(JSON.parse(body) as Envelope)))
  }

  const deliver = (queue: Queue) => {
    if (!running || queue.messages.length === 0) return
    const idle = [...queue.subscribers].filter(({ unacknowledged }) => unacknowledged.length === 0)
    if (idle.length === 0) return
    const subscriber = random.pick(idle)
    const taken = random.shuffle(queue.messages).slice(0, random.between(1, Math.min(subscriber.batchSize, 8)))
    for (const message of taken) queue.messages.splice(queue.messages.indexOf(message), 1)
    subscriber.unacknowledged = taken
    trace.add(
      'broker',
      `delivers ${taken.map(({ label, attempt }) => `${label}#${attempt}`).join(', ')} to ${subscriber.actor.name}`,
    )
    schedule.as(subscriber.actor, () => void handOver(queue, subscriber, taken))
  }

  const handOver = async (queue: Queue, subscriber: Subscriber, taken: readonly Message[]) => {
    const deliveries: readonly Delivery[] = taken.map(({ body, attempt }) => ({
      body,
      attempt,
      exhausted: attempt > DELIVERY_LIMIT,
    }))
    let verdicts: readonly Verdict[]
    try {
      verdicts = await subscriber.handle(deliveries)
    } catch {
      verdicts = deliveries.map(() => ({ kind: 'retry', afterMs: 100 }))
    }
    await schedule.pause(random.next() * 2)
    if (subscriber.unacknowledged !== taken) return // its connection was lost, and all of it went back
    subscriber.unacknowledged = []
    for (const [index, message] of taken.entries()) settle(queue, message, verdicts[index])
    schedule.as(undefined, () => deliver(queue))
  }

  const settle = (queue: Queue, message: Message, verdict: Verdict | undefined) => {
    const again = { ...message, attempt: message.attempt + 1 }
    if (verdict?.kind === 'retry')
      schedule.as(undefined, () => void schedule.after(verdict.afterMs, () => put(queue, again)))
    else if (random.chance(noise.delivered.acknowledgeLost)) {
      trace.add('broker', `loses the acknowledgement of ${message.label}`)
      put(queue, again, random.between(0, 500))
    }
  }

  const giveBack = (queue: Queue, subscriber: Subscriber) => {
    const { unacknowledged } = subscriber
    subscriber.unacknowledged = []
    for (const message of unacknowledged) put(queue, { ...message, attempt: message.attempt + 1 })
  }

  const publishOne = async (type: string, message: { label: string; body: string }): Promise<PublishOutcome> => {
    const unavailable = (detail: string): PublishOutcome => ({ confirmed: false, reason: 'unavailable', detail })
    await schedule.pause(random.next() * 2)
    if (!running) return unavailable('the broker is away')
    if (random.chance(noise.publishLost)) {
      await schedule.pause(CONFIRM_TIMEOUT_MS)
      return unavailable('no confirm came')
    }
    store(type, message)
    broadcast(type, message.body)
    trace.add('broker', `stores ${message.label}`)
    await schedule.pause(random.next() * 2)
    if (!running) return unavailable('the broker went away')
    if (!random.chance(noise.confirmLost)) return { confirmed: true }
    trace.add('broker', `loses the confirm of ${message.label}`)
    await schedule.pause(CONFIRM_TIMEOUT_MS)
    return unavailable('no confirm came')
  }

  const subscribe = async (
    actor: Actor,
    name: string,
    { batchSize, handle }: { batchSize: number; handle: BatchHandler },
  ): Promise<Consumer> => {
    const queue = queues.get(name)
    if (!queue) throw new Error(`there is no queue ${name}`)
    const subscriber: Subscriber = { actor, batchSize, handle, unacknowledged: [], closed: false }
    queue.subscribers.add(subscriber)
    schedule.as(undefined, () => schedule.after(1, () => deliver(queue)))
    return {
      close: async () => {
        queue.subscribers.delete(subscriber)
      },
    }
  }

  const each = (action: (queue: Queue, subscriber: Subscriber) => void) => {
    for (const queue of queues.values()) for (const subscriber of queue.subscribers) action(queue, subscriber)
  }

  const listen = (actor: Actor, types: readonly string[], listener: BroadcastListener) => {
    const own: Listener = { actor, types, listener }
    listeners.add(own)
    if (running) listener.resumed()
    return { close: async () => void listeners.delete(own) }
  }

  return {
    connect: (actor) => ({
      publish: (messages) =>
        messages.map((message) => {
          const label = `${message.type.replace('micromart.', '').replace('.v1', '')}:${message.subject.slice(-6)}`
          return publishOne(message.type, { label, body: JSON.stringify(message) })
        }),
      subscribe: (name, { batchSize }, handle) => subscribe(actor, name, { batchSize, handle }),
      listen: async (types, listener) => listen(actor, types, listener),
      close: async () => {},
    }),
    drop: (actor) => {
      for (const own of [...listeners]) if (own.actor === actor) listeners.delete(own)
      each((queue, subscriber) => {
        if (subscriber.actor !== actor) return
        queue.subscribers.delete(subscriber)
        giveBack(queue, subscriber)
      })
    },
    stop: () => {
      running = false
      each(giveBack)
      for (const { actor, listener } of [...listeners]) schedule.as(actor, () => listener.lost())
    },
    start: () => {
      running = true
      for (const { actor, listener } of [...listeners]) schedule.as(actor, () => listener.resumed())
      for (const queue of queues.values()) schedule.as(undefined, () => schedule.after(1, () => deliver(queue)))
    },
    calm: () => {
      noise = { ...noise, publishLost: 0, confirmLost: 0, delivered: { twice: 0, late: 0, acknowledgeLost: 0 } }
    },
    isQuiet: () =>
      [...queues.values()].every(
        ({ messages, subscribers }) =>
          messages.length === 0 && [...subscribers].every(({ unacknowledged }) => unacknowledged.length === 0),
      ),
  }
}
