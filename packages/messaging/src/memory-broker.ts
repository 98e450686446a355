import type { Envelope } from '@micromart/contracts/envelope'
import type { Topology } from '@micromart/contracts/topology'
import type { BatchHandler, Broker, Consumer, PublishOutcome, SubscribeOptions, Verdict } from './broker.ts'

/** A message on its way to all its queues: confirmed when the last of them is done with it. */
interface Passage {
  readonly body: string
  open: number
  readonly settle: (outcome: PublishOutcome) => void
}

interface Waiting {
  readonly passage: Passage
  readonly attempt: number
}

interface Queue {
  waiting: Waiting[]
  readonly delayed: Set<NodeJS.Timeout>
  consumer:
    | { readonly handle: BatchHandler; readonly batchSize: number; running: Promise<void> | undefined }
    | undefined
}

const unavailable: PublishOutcome = { confirmed: false, reason: 'unavailable', detail: 'the broker is closed' }

/**
 * The broker of the one-process shape. It keeps nothing of its own: a message is confirmed only when every subscriber has committed it,
 * so the outboxes stay the truth and a crash loses nothing.
 */
export function createMemoryBroker({ topology }: { topology: Topology }): Broker {
  const queues = new Map<string, Queue>(
    Object.keys(topology).map((name) => [name, { waiting: [], delayed: new Set(), consumer: undefined }]),
  )
  const bound = new Map<string, Queue[]>()
  for (const [name, types] of Object.entries(topology))
    for (const type of types) bound.set(type, [...(bound.get(type) ?? []), queueNamed(name)])
  const passages = new Set<Passage>()
  let closed = false

  function queueNamed(name: string): Queue {
    const queue = queues.get(name)
    if (!queue) throw new Error(`The queue ${name} is not part of the topology`)
    return queue
  }

  const finishOne = (passage: Passage) => {
    passage.open -= 1
    if (passage.open > 0) return
    passages.delete(passage)
    passage.settle({ confirmed: true })
  }

  const redeliver = (queue: Queue, { passage, attempt }: Waiting, afterMs: number) => {
    if (closed) return
    const timer = setTimeout(() => {
      queue.delayed.delete(timer)
      queue.waiting.push({ passage, attempt: attempt + 1 })
      pump(queue)
    }, afterMs)
    queue.delayed.add(timer)
  }

  const deliver = async (queue: Queue, consumer: NonNullable<Queue['consumer']>) => {
    await Promise.resolve() // what is published in the same turn joins the batch
    while (queue.consumer === consumer && queue.waiting.length > 0) {
      const batch = queue.waiting.splice(0, consumer.batchSize)
      const verdicts = await verdictsOf(consumer.handle, batch)
      batch.forEach((item, index) => {
        const verdict = verdicts[index] ?? retrySoon
        if (verdict.kind === 'done') finishOne(item.passage)
        else redeliver(queue, item, verdict.afterMs)
      })
    }
    consumer.running = undefined
  }

  const pump = (queue: Queue) => {
    const { consumer } = queue
    if (consumer && queue.waiting.length > 0) consumer.running ??= deliver(queue, consumer)
  }

  const publishOne = (message: Envelope): Promise<PublishOutcome> => {
    if (closed) return Promise.resolve(unavailable)
    const targets = bound.get(message.type)
    if (!targets)
      return Promise.resolve({ confirmed: false, reason: 'unroutable', detail: `no queue is bound to ${message.type}` })
    return new Promise((settle) => {
      const passage: Passage = { body: JSON.stringify(message), open: targets.length, settle }
      passages.add(passage)
      for (const queue of targets) {
        queue.waiting.push({ passage, attempt: 1 })
        pump(queue)
      }
    })
  }

  const subscribe = async (name: string, options: SubscribeOptions, handle: BatchHandler): Promise<Consumer> => {
    const queue = queueNamed(name)
    if (queue.consumer) throw new Error(`The queue ${name} has a consumer already`)
    const consumer = { handle, batchSize: options.batchSize, running: undefined as Promise<void> | undefined }
    queue.consumer = consumer
    pump(queue)
    return {
      close: async () => {
        if (queue.consumer === consumer) queue.consumer = undefined
        await consumer.running
      },
    }
  }

  return {
    publish: (messages) => messages.map(publishOne),
    subscribe,
    close: async () => {
      closed = true
      for (const queue of queues.values()) {
        const running = queue.consumer?.running
        queue.consumer = undefined
        for (const timer of queue.delayed) clearTimeout(timer)
        await running
      }
      for (const passage of passages) passage.settle(unavailable)
      passages.clear()
    },
  }
}

const retrySoon: Verdict = { kind: 'retry', afterMs: 100 }

async function verdictsOf(handle: BatchHandler, batch: readonly Waiting[]): Promise<readonly Verdict[]> {
  try {
    return await handle(batch.map(({ passage, attempt }) => ({ body: passage.body, attempt, exhausted: false })))
  } catch {
    return batch.map(() => retrySoon) // the handler has logged it
  }
}
