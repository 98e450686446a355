import type { Topology } from '@micromart/contracts/topology'
import { type BatchLoop, createBatchLoop } from './batch-loop.ts'
import { broadcastTypes, checkBroadcast, safely } from './broadcast.ts'
import type { Broker, Consumer, Delivery, PublishOutcome, Verdict } from './broker.ts'
import { type BrokerLog, silentBrokerLog } from './broker-log.ts'

/** A published message, until every queue bound to its type is done with it. */
interface Pending {
  queuesLeft: number
  readonly settle: (outcome: PublishOutcome) => void
}

interface Item {
  readonly delivery: Delivery
  readonly pending: Pending
}

interface Queue {
  readonly name: string
  /** What nobody takes at the moment; empty while there is a loop. */
  backlog: Item[]
  readonly retries: Map<NodeJS.Timeout, Item>
  loop: BatchLoop<Item> | undefined
  /** The last batch of the subscriber before. */
  finishing: Promise<void>
}

export interface MemoryBrokerOptions {
  readonly topology: Topology
  /** Types that are heard by whoever listens and have no queue; default none. */
  readonly broadcasts?: readonly string[]
  readonly log?: BrokerLog
}

/**
 * The broker of the one-process shape. It stores nothing, and says so: a message is confirmed only when every queue bound to its
 * type has committed it, so the outbox keeps what a crash would lose. Bodies travel as text; memory is bounded by what publishers
 * keep in flight. One subscriber a queue, and no delivery limit: the retry policy above decides when to give up.
 */
export function createMemoryBroker(options: MemoryBrokerOptions): Broker {
  const log = options.log ?? silentBrokerLog
  const broadcast = broadcastTypes(options.broadcasts ?? [], options.topology)
  const listeners = new Set<{ types: readonly string[]; hear: (body: string) => void }>()
  const queues = new Map(Object.keys(options.topology).map((name) => [name, emptyQueue(name)]))
  const bindings = bindingsOf(options.topology, queues)
  const consumers = new Set<Consumer>()
  let closing: Promise<void> | undefined

  /** Those who listen now; told a moment later, since whoever publishes does not wait for them. */
  const tellListeners = (type: string, body: string) => {
    const told = [...listeners].filter(({ types }) => types.includes(type))
    setImmediate(() => {
      for (const each of told) if (listeners.has(each)) each.hear(body)
    })
  }

  const publishOne = (type: string, body: string): Promise<PublishOutcome> => {
    if (broadcast.has(type)) {
      tellListeners(type, body)
      return Promise.resolve({ confirmed: true })
    }
    const bound = bindings.get(type) ?? []
    if (bound.length === 0)
      return Promise.resolve({ confirmed: false, reason: 'unroutable', detail: `no queue is bound to ${type}` })
    const { promise, resolve } = Promise.withResolvers<PublishOutcome>()
    const pending: Pending = { queuesLeft: bound.length, settle: resolve }
    for (const queue of bound) enqueue(queue, { delivery: { body, attempt: 1, exhausted: false }, pending })
    return promise
  }

  const closeAll = async () => {
    listeners.clear()
    await Promise.all([...consumers].map((consumer) => consumer.close()))
    for (const queue of queues.values()) abandon(queue)
  }

  return {
    publish(messages) {
      const bodies = messages.map((message) => JSON.stringify(message))
      return messages.map(({ type }, index) =>
        closing !== undefined ? Promise.resolve(brokerClosed) : publishOne(type, bodies[index] ?? ''),
      )
    },
    async subscribe(name, { batchSize }, handle) {
      const queue = queues.get(name)
      if (!queue) throw new Error(`the topology has no queue ${name}`)
      await queue.finishing
      if (closing !== undefined) throw new Error(`queue ${name} cannot be subscribed to: the broker is closed`)
      if (queue.loop) throw new Error(`queue ${name} has a subscriber already`)
      const settle = (item: Item, verdict: Verdict) => settleItem(queue, item, verdict)
      const loop = createBatchLoop<Item>({ queue: name, batchSize, handle, settle, log })
      attach(queue, loop)
      const consumer: Consumer = {
        async close() {
          if (queue.loop === loop) detach(queue, loop)
          await loop.stop()
          consumers.delete(consumer)
        },
      }
      consumers.add(consumer)
      return consumer
    },
    async listen(types, listener) {
      checkBroadcast(types, broadcast)
      if (closing !== undefined) throw new Error('nobody can listen: the broker is closed')
      const { hear, resumed } = safely(listener, log)
      const own = { types, hear }
      listeners.add(own)
      resumed()
      return { close: async () => void listeners.delete(own) }
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}

const brokerClosed: PublishOutcome = { confirmed: false, reason: 'unavailable', detail: 'the memory broker is closed' }

const emptyQueue = (name: string): Queue => ({
  name,
  backlog: [],
  retries: new Map(),
  loop: undefined,
  finishing: Promise.resolve(),
})

function bindingsOf(topology: Topology, queues: ReadonlyMap<string, Queue>): ReadonlyMap<string, readonly Queue[]> {
  const types = new Set(Object.values(topology).flat())
  const isBound = (type: string) => (queue: Queue) => topology[queue.name]?.includes(type)
  return new Map([...types].map((type) => [type, [...queues.values()].filter(isBound(type))]))
}

function enqueue(queue: Queue, item: Item) {
  if (queue.loop) queue.loop.push(item)
  else queue.backlog.push(item)
}

function attach(queue: Queue, loop: BatchLoop<Item>) {
  queue.loop = loop
  for (const item of queue.backlog) loop.push(item)
  queue.backlog = []
}

function detach(queue: Queue, loop: BatchLoop<Item>) {
  queue.loop = undefined
  queue.backlog = loop.take()
  queue.finishing = loop.stop()
}

function settleItem(queue: Queue, item: Item, verdict: Verdict) {
  const { delivery, pending } = item
  if (verdict.kind === 'done') {
    pending.queuesLeft -= 1
    if (pending.queuesLeft === 0) pending.settle({ confirmed: true })
    return
  }
  const again: Item = { delivery: { ...delivery, attempt: delivery.attempt + 1 }, pending }
  const timer = setTimeout(() => {
    queue.retries.delete(timer)
    enqueue(queue, again)
  }, verdict.afterMs)
  queue.retries.set(timer, again)
}

function abandon(queue: Queue) {
  for (const timer of queue.retries.keys()) clearTimeout(timer)
  for (const { pending } of [...queue.backlog, ...queue.retries.values()]) pending.settle(brokerClosed)
  queue.retries.clear()
  queue.backlog = []
}
