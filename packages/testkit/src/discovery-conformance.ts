import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import type { Discovery, Watch } from '@micromart/discovery/discovery'
import { until } from './until.ts'

/** What the suite needs of an adapter: somebody who knows instances, and a way to make him say something else. */
export interface DiscoveryHarness {
  readonly discovery: Discovery
  /** The address of a service that nobody has heard of before. */
  newService(): string
  /** From now on these are the instances, each `host:port` on 127.0.0.x. */
  set(service: string, instances: readonly { host: string; port: number }[]): void
  /** Makes the one who knows fail, in every way he can, one after the other; he knows the same when he is back. */
  readonly faults: Readonly<Record<string, { break(): Promise<void>; heal(): Promise<void> }>>
  /** How often the discovery has said that a source is lost. */
  lost(): number
  close(): Promise<void>
}

const a = { host: '127.0.0.2', port: 4_001 }
const b = { host: '127.0.0.3', port: 4_001 }
const c = { host: '127.0.0.4', port: 4_001 }
const urls = (...all: readonly { host: string; port: number }[]) =>
  all.map(({ host, port }) => `http://${host}:${port}`)

/** What every adapter of discovery must do. `emptyAfterMs` of the discovery given must be a second or less. */
export function discoveryConformance(name: string, open: () => Promise<DiscoveryHarness>): void {
  describe(`${name} keeps the promises of discovery`, () => {
    let opened: Promise<DiscoveryHarness> | undefined
    const harness = () => {
      opened ??= open()
      return opened
    }
    const watches: Watch[] = []
    afterEach(() => {
      for (const watch of watches.splice(0)) watch.close()
    })
    after(async () => (await opened)?.close())

    const follow = async (instances: readonly { host: string; port: number }[]) => {
      const { discovery, newService, set } = await harness()
      const address = newService()
      set(address, instances)
      const watched = discovery.watch([address])
      assert.ok(watched.ok)
      watches.push(watched.value)
      await watched.value.settled(5_000)
      return { address, watch: watched.value }
    }
    const shows = (watch: Watch, ...expected: readonly { host: string; port: number }[]) =>
      until(async () => watch.instances().join() === urls(...expected).join(), {
        what: `the instances are ${urls(...expected).join()}`,
      })

    test('tells all instances, sorted, after the first answer', async () => {
      const { watch } = await follow([b, a])
      assert.deepEqual(watch.instances(), urls(a, b))
    })

    test('tells of those that come and go, and only of these', async () => {
      const { set } = await harness()
      const { address, watch } = await follow([a])
      const heard: string[] = []
      watch.onChange((instances) => void heard.push(instances.join()))
      set(address, [b, a])
      await shows(watch, a, b)
      set(address, [a, b])
      set(address, [b])
      await shows(watch, b)
      assert.deepEqual(heard, [urls(a, b).join(), urls(b).join()])
    })

    test('a service without instances is an answer too', async () => {
      const { set } = await harness()
      const { address, watch } = await follow([])
      assert.deepEqual(watch.instances(), [])
      set(address, [a])
      await shows(watch, a)
    })

    test('from some to none at once is believed only after a while', async () => {
      const { set } = await harness()
      const { address, watch } = await follow([a, b])
      const changes: number[] = []
      watch.onChange((instances) => void changes.push(instances.length))
      set(address, [])
      set(address, [c])
      await shows(watch, c)
      set(address, [])
      await shows(watch)
      assert.deepEqual(changes, [1, 0])
    })

    test('what is told after the end of a watch is not heard', async () => {
      const { set } = await harness()
      const { address, watch } = await follow([a])
      const other = await harness().then(({ discovery }) => discovery.watch([address]))
      assert.ok(other.ok)
      watches.push(other.value)
      watch.onChange(() => assert.fail('nobody listens any more'))
      watch.close()
      set(address, [b])
      await shows(other.value, b)
      assert.deepEqual(watch.instances(), urls(a))
    })

    test('every fault: the last known instances stay, and what has changed meanwhile is learned afterwards', async () => {
      const { faults, set, lost } = await harness()
      for (const [fault, { break: breakIt, heal }] of Object.entries(faults)) {
        const { address, watch } = await follow([a, b])
        const lostBefore = lost()
        await breakIt()
        set(address, [b, c])
        await until(async () => lost() > lostBefore, { what: `the fault is noticed: ${fault}` })
        assert.deepEqual(watch.instances(), urls(a, b))
        await heal()
        await shows(watch, b, c)
      }
    })
  })
}
