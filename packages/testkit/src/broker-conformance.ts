import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, test } from 'node:test'
import type { Envelope } from '@micromart/contracts/envelope'
import type { Topology } from '@micromart/contracts/topology'
import type { BatchHandler, BroadcastListener, Broker, Delivery, Verdict } from '@micromart/messaging/broker'
import { until } from './until.ts'

export interface BrokerHarness {
  /** A broker on a fresh server or virtual host; called once. */
  readonly broker: Broker
  /** Kills and restarts the server of a broker that has one. */
  readonly restart?: () => Promise<void>
  close(): Promise<void>
}

/** Queues `first` and `second` hear `micromart.test.both.v1`; each test has further queues of its own. */
const own = [
  'plain',
  'retry',
  'throw',
  'others',
  'order',
  'batch',
  'away',
  'closing',
  'soak',
  'restart',
  'poison',
] as const
export const conformanceTopology: Topology = {
  first: ['micromart.test.both.v1'],
  second: ['micromart.test.both.v1'],
  ...Object.fromEntries(own.map((name) => [name, [`micromart.test.${name}.v1`]])),
}

/** Heard by whoever listens; nobody has a queue for it. */
export const conformanceBroadcasts: readonly string[] = ['micromart.test.news.v1', 'micromart.test.gossip.v1']

const done: Verdict = { kind: 'done' }
const message = (name: string, data: unknown = {}, subject = 'subject'): Envelope => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/test',
  type: `micromart.test.${name}.v1`,
  subject,
  time: '2026-11-21T12:00:00.000Z',
  datacontenttype: 'application/json',
  dataschema: '',
  correlationid: 'c',
  causationid: 'c',
  traceparent: '',
  data,
})
const dataOf = <T>({ body }: Delivery) => (JSON.parse(body) as Envelope<T>).data
/** A listener that notes what it hears and what it is told. */
function listening(): BroadcastListener & { readonly heard: string[]; resumes: number; losses: number } {
  const notes = { heard: [] as string[], resumes: 0, losses: 0 }
  return Object.assign(notes, {
    hear: ({ id }: Envelope) => void notes.heard.push(id),
    resumed: () => {
      notes.resumes += 1
    },
    lost: () => {
      notes.losses += 1
    },
  })
}
const news = ['micromart.test.news.v1']

/** A handler that is done with everything and notes what it got. */
const collect =
  (into: string[] | Set<string>, note: (delivery: Delivery) => string): BatchHandler =>
  async (batch) => {
    for (const delivery of batch)
      if (Array.isArray(into)) into.push(note(delivery))
      else into.add(note(delivery))
    return batch.map(() => done)
  }

const idOf = ({ body }: Delivery) => (JSON.parse(body) as Envelope).id

/** What every broker must do; the memory broker and RabbitMQ pass the same suite. A `server` can restart, and counts deliveries itself. */
export function brokerConformance(
  name: string,
  open: () => Promise<BrokerHarness>,
  { skip = false, server = false }: { skip?: string | false; server?: boolean } = {},
): void {
  describe(`${name} keeps the broker's promises`, { skip }, () => {
    let opened: Promise<BrokerHarness> | undefined
    const harness = () => {
      opened ??= open()
      return opened
    }
    after(async () => (await opened)?.close())
    /** Publishes until confirmed, as the outbox relay does. */
    const deliver = async (envelope: Envelope) => {
      const { broker } = await harness()
      await until(async () => (await Promise.all(broker.publish([envelope])))[0]?.confirmed, {
        withinMs: 30_000,
        what: 'a confirm',
      })
    }

    test('a message without any queue is unroutable, though the broker took it', async () => {
      await deliver(message('plain')) // connected
      const { broker } = await harness()
      const [outcome] = await Promise.all(broker.publish([message('nobody')]))
      assert.deepEqual(outcome?.confirmed === false && outcome.reason, 'unroutable')
    })

    test('every bound queue gets its copy', async () => {
      const { broker } = await harness()
      const got: string[] = []
      const consumers = await Promise.all(
        ['first', 'second'].map((queue) =>
          broker.subscribe(
            queue,
            { batchSize: 10 },
            collect(got, (delivery) => `${queue} ${idOf(delivery)}`),
          ),
        ),
      )
      const sent = message('both')
      await deliver(sent)
      await until(async () => got.length >= 2, { what: 'two copies' })
      assert.deepEqual(got.sort(), [`first ${sent.id}`, `second ${sent.id}`])
      await Promise.all(consumers.map((consumer) => consumer.close()))
    })

    test('a retry comes again with a growing attempt, and does not hold up the others', async () => {
      const { broker } = await harness()
      const seen: [number, number][] = []
      const consumer = await broker.subscribe('retry', { batchSize: 10 }, async (batch) =>
        batch.map((delivery) => {
          const number = dataOf<{ number: number }>(delivery).number
          seen.push([number, delivery.attempt])
          return number === 1 && delivery.attempt < 3 ? { kind: 'retry', afterMs: 30 } : done
        }),
      )
      await Promise.all([1, 2, 3].map((number) => deliver(message('retry', { number }))))
      await until(async () => seen.some(([number, attempt]) => number === 1 && attempt === 3), {
        what: 'the third attempt',
      })
      assert.deepEqual(
        seen.filter(([number]) => number === 1).map(([, attempt]) => attempt),
        [1, 2, 3],
      )
      assert.ok(
        seen.findIndex(([number]) => number === 3) <
          seen.findIndex(([number, attempt]) => number === 1 && attempt === 3),
      )
      await consumer.close()
    })

    test('a handler that throws gets its messages again', async () => {
      const { broker } = await harness()
      let tries = 0
      const consumer = await broker.subscribe('throw', { batchSize: 10 }, async (batch) => {
        tries += 1
        if (tries === 1) throw new Error('not now')
        return batch.map(() => done)
      })
      await deliver(message('throw'))
      await until(async () => tries >= 2, { what: 'a second try' })
      await consumer.close()
    })

    test('a broadcast without any listener is confirmed', async () => {
      await deliver(message('news'))
    })

    test('every listener hears each broadcast of its types from now on, in order', async () => {
      const { broker } = await harness()
      const [one, two, gossip] = [listening(), listening(), listening()]
      await deliver(message('news')) // before anybody listens
      const consumers = [
        await broker.listen(news, one),
        await broker.listen(news, two),
        await broker.listen(['micromart.test.gossip.v1'], gossip),
      ]
      await until(async () => one.resumes === 1 && two.resumes === 1 && gossip.resumes === 1, { what: 'they listen' })
      const sent = Array.from({ length: 50 }, () => message('news'))
      assert.ok((await Promise.all(broker.publish(sent))).every(({ confirmed }) => confirmed))
      const last = message('gossip')
      await deliver(last)
      const ids = sent.map(({ id }) => id)
      await until(async () => one.heard.length >= 50 && two.heard.length >= 50 && gossip.heard.length > 0, {
        what: 'all of it',
      })
      assert.deepEqual([one.heard, two.heard, gossip.heard], [ids, ids, [last.id]])
      assert.deepEqual([one.losses, two.losses], [0, 0])
      await Promise.all(consumers.map((consumer) => consumer.close()))
    })

    test('a listener that throws disturbs nobody, nor one that has closed', async () => {
      const { broker } = await harness()
      const [closed, good] = [listening(), listening()]
      let tries = 0
      const throwing = {
        ...listening(),
        hear: () => {
          tries += 1
          throw new Error('not me')
        },
      }
      const consumers = [await broker.listen(news, throwing), await broker.listen(news, good)]
      const first = await broker.listen(news, closed)
      await until(async () => closed.resumes === 1 && good.resumes === 1, { what: 'they listen' })
      await first.close()
      await first.close()
      const sent = [message('news'), message('news')]
      for (const each of sent) await deliver(each)
      await until(async () => good.heard.length >= 2 && tries >= 2, { what: 'both' })
      assert.deepEqual([good.heard, closed.heard, tries], [sent.map(({ id }) => id), [], 2])
      await Promise.all(consumers.map((consumer) => consumer.close()))
    })

    test('what has a queue, or is unknown, cannot be listened to', async () => {
      const { broker } = await harness()
      for (const type of ['micromart.test.both.v1', 'micromart.test.unheard-of.v1'])
        await assert.rejects(broker.listen([type], listening()), /is not broadcast/)
    })

    test('messages of one subject keep their order, and come in batches', async () => {
      const { broker } = await harness()
      const got = new Map<string, number[]>()
      let batches = 0
      const consumer = await broker.subscribe('order', { batchSize: 50 }, async (batch) => {
        batches += 1
        for (const delivery of batch) {
          const { subject, number } = dataOf<{ subject: string; number: number }>(delivery)
          got.set(subject, [...(got.get(subject) ?? []), number])
        }
        return batch.map(() => done)
      })
      const sent = Array.from({ length: 1_000 }, (_, index) => ({ subject: `s${index % 7}`, number: index }))
      const outcomes = broker.publish(sent.map((data) => message('order', data, data.subject)))
      assert.ok((await Promise.all(outcomes)).every(({ confirmed }) => confirmed))
      await until(async () => [...got.values()].flat().length >= sent.length, { what: 'all messages' })
      for (const numbers of got.values())
        assert.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
        )
      assert.ok(batches < sent.length / 2, `${batches} batches`)
      await consumer.close()
    })

    test('what is published while the subscriber is away waits for it', async () => {
      const { broker } = await harness()
      const sent = message('away')
      const [outcome] = broker.publish([sent])
      const got: string[] = []
      const consumer = await broker.subscribe(
        'away',
        { batchSize: 10 },
        collect(got, (delivery) => idOf(delivery)),
      )
      await until(async () => got.includes(sent.id), { what: 'the message that waited' })
      assert.equal((await outcome)?.confirmed, true)
      await consumer.close()
    })

    test('closing finishes the running batch and loses nothing of the rest', async () => {
      const { broker } = await harness()
      const handled: string[] = []
      const { promise: started, resolve: start } = Promise.withResolvers<void>()
      const { promise: gate, resolve: openGate } = Promise.withResolvers<void>()
      const first = await broker.subscribe('closing', { batchSize: 2 }, async (batch) => {
        start()
        await gate
        handled.push(...batch.map(idOf))
        return batch.map(() => done)
      })
      const sent = Array.from({ length: 10 }, () => message('closing'))
      const outcomes = broker.publish(sent)
      await started
      const closed = first.close()
      openGate()
      await closed
      const before = handled.length
      assert.ok(before > 0 && before < sent.length, `${before} handled before the close`)
      const second = await broker.subscribe('closing', { batchSize: 10 }, collect(handled, idOf))
      await until(async () => new Set(handled).size === sent.length, { what: 'the rest' })
      assert.ok((await Promise.all(outcomes)).every(({ confirmed }) => confirmed))
      await second.close()
    })

    test('three thousand messages with random verdicts: each is done at least once', async () => {
      const { broker } = await harness()
      const finished = new Set<string>()
      let turn = 0
      const consumer = await broker.subscribe('soak', { batchSize: 100 }, async (batch) =>
        batch.map((delivery) => {
          turn += 1
          if (turn % 5 === 0 && delivery.attempt < 4) return { kind: 'retry', afterMs: turn % 20 }
          finished.add(idOf(delivery))
          return done
        }),
      )
      const sent = Array.from({ length: 3_000 }, () => message('soak'))
      const outcomes = await Promise.all(broker.publish(sent))
      assert.ok(outcomes.every(({ confirmed }) => confirmed))
      await until(async () => finished.size === sent.length, { withinMs: 30_000, what: 'all of them' })
      await consumer.close()
    })

    const serverTest = server ? test : () => {}

    serverTest('a restart of the server loses nothing that was confirmed', async () => {
      const { broker, restart } = await harness()
      assert.ok(restart)
      const got = new Set<string>()
      const consumer = await broker.subscribe(
        'restart',
        { batchSize: 10 },
        collect(got, (delivery) => idOf(delivery)),
      )
      const sent = Array.from({ length: 200 }, () => message('restart'))
      const all = sent.map(deliver)
      await restart()
      await Promise.all(all)
      await until(async () => sent.every(({ id }) => got.has(id)), { withinMs: 30_000, what: 'all confirmed messages' })
      await consumer.close()
    })

    serverTest('a listener is told that it may have missed something, and hears again', async () => {
      const { broker, restart } = await harness()
      assert.ok(restart)
      const listener = listening()
      const consumer = await broker.listen(news, listener)
      await until(async () => listener.resumes === 1, { what: 'it listens' })
      await restart()
      await until(async () => listener.resumes === 2, { withinMs: 30_000, what: 'it listens again' })
      assert.equal(listener.losses, 1)
      const sent = message('news')
      await deliver(sent)
      await until(async () => listener.heard.includes(sent.id), { what: 'the news' })
      await consumer.close()
    })

    serverTest('a message that never succeeds comes once more as exhausted', async () => {
      const { broker } = await harness()
      const exhausted: string[] = []
      const note = (delivery: Delivery) => {
        exhausted.push(idOf(delivery))
        return done
      }
      const consumer = await broker.subscribe('poison', { batchSize: 10 }, async (batch) =>
        batch.map((delivery) => (delivery.exhausted ? note(delivery) : { kind: 'retry', afterMs: 1 })),
      )
      const sent = message('poison')
      await deliver(sent)
      await until(async () => exhausted.includes(sent.id), { what: 'the exhausted message' })
      await consumer.close()
    })

    test('after closing, publishing is unavailable', async () => {
      const { broker } = await harness()
      await broker.close()
      const [outcome] = await Promise.all(broker.publish([message('plain')]))
      assert.equal(outcome?.confirmed === false && outcome.reason, 'unavailable')
    })
  })
}
