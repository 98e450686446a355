import { Resolver } from 'node:dns/promises'
import { err, ok, type Refusal, type Result } from '@micromart/kernel/result'
import type { Logger } from '@micromart/telemetry/logger'
import { type Address, parseAddress } from './address.ts'
import { type ConsulPace, consulSource } from './consul-source.ts'
import { addressRecords, type DnsPace, serviceRecords } from './dns-source.ts'
import { keepKnown } from './known-instances.ts'
import type { Source } from './source.ts'

/** Tells where the instances of a service are, now and whenever that changes. */
export interface Discovery {
  /**
   * Follows the instances that the addresses lead to, all of them together. The scheme of an address picks the adapter: `http:` and `static:`
   * are instances themselves, `dns:` and `dns+srv:` names, `consul:` a service. Refuses with every address that cannot be read.
   */
  watch(addresses: readonly string[]): Result<Watch, readonly Refusal[]>
  /** Ends all watches. */
  close(): void
}

export interface Watch {
  /** Base URLs in the order of the addresses that lead to them, each once. What was known stays while a source fails. */
  instances(): readonly string[]
  /** Called at each change from now on, until the function it returns is called or the watch is closed. */
  onChange(listener: (instances: readonly string[]) => void): () => void
  /** Resolves with the first answer of every source, or once the slowest has had `patienceMs`. */
  settled(patienceMs: number): Promise<void>
  close(): void
}

export interface DiscoveryOptions {
  readonly log: Logger
  /** For `dns:` and `dns+srv:`, as `address:port`; those of the machine when there are none. */
  readonly dnsServers?: readonly string[]
  readonly consulToken?: string
  readonly pace?: Partial<Pace>
}

/** How often sources are asked; every default suits a production system. */
export interface Pace {
  readonly dns: DnsPace
  readonly consul: ConsulPace
  readonly emptyAfterMs: number
}

const DNS_PATIENCE = { timeout: 1_000, tries: 2 }
const BACK_OFF = { firstMs: 250, mostMs: 10_000 }

const defaultPace: Pace = {
  dns: { leastMs: 1_000, mostMs: 30_000 },
  consul: { waitMs: 55_000, leastMs: 100, backOff: BACK_OFF },
  emptyAfterMs: 15_000,
}

export function openDiscovery({ log, dnsServers = [], consulToken = '', pace: given }: DiscoveryOptions): Discovery {
  const pace = { ...defaultPace, ...given }
  const sourceOf = (address: Address): Source => {
    if (address.kind === 'consul') return consulSource(address, consulToken, pace.consul)
    if (address.kind === 'static') return staticSource(address.url)
    const resolver = new Resolver(DNS_PATIENCE)
    if (dnsServers.length > 0) resolver.setServers(dnsServers)
    const lookUp = { resolver, pace: pace.dns, backOff: pace.consul.backOff }
    return address.kind === 'dns' ? addressRecords(lookUp, address) : serviceRecords(lookUp, address)
  }
  const open = new Set<Watch>()
  return {
    watch: (addresses) => {
      const faults: Refusal[] = []
      const sources: NamedSource[] = []
      for (const name of new Set(addresses)) {
        const address = parseAddress(name)
        if (address.ok)
          sources.push({ name, source: sourceOf(address.value), isFixed: address.value.kind === 'static' })
        else faults.push(address.error)
      }
      if (faults.length > 0) return err(faults)
      const watch = watchAll(sources, { log, emptyAfterMs: pace.emptyAfterMs, onClose: () => open.delete(watch) })
      open.add(watch)
      return ok(watch)
    },
    close: () => {
      for (const watch of open) watch.close()
    },
  }
}

const staticSource =
  (url: string): Source =>
  (heard) => {
    heard.answer([url])
    return () => {}
  }

interface NamedSource {
  readonly name: string
  readonly source: Source
  /** It has nothing to tell but its own address. */
  readonly isFixed: boolean
}

interface WatchOptions {
  readonly log: Logger
  readonly emptyAfterMs: number
  readonly onClose: () => void
}

function watchAll(sources: readonly NamedSource[], options: WatchOptions): Watch {
  const { log, emptyAfterMs, onClose } = options
  const answers = new Map<string, readonly string[]>()
  const listeners = new Set<(instances: readonly string[]) => void>()
  const first = Promise.withResolvers<void>()
  let instances: readonly string[] = []

  const collect = () => {
    const all = [...new Set(sources.flatMap(({ name }) => answers.get(name) ?? []))]
    if (answers.size === sources.length) first.resolve()
    if (all.join() === instances.join()) return
    instances = all
    for (const listener of listeners) listener(all)
  }
  const stops = sources.map(({ name, source, isFixed }) =>
    keepKnown(source, {
      emptyAfterMs,
      onAnswer: (found) => {
        answers.set(name, found)
        if (!isFixed) log.info({ address: name, instances: found }, 'instances found')
        collect()
      },
      onLost: (err) => log.warn({ err, address: name }, 'instances cannot be looked up; the last known ones stay'),
      onFound: () => log.info({ address: name }, 'instances can be looked up again'),
    }),
  )
  return {
    instances: () => instances,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    settled: async (patienceMs) => {
      const patience = Promise.withResolvers<void>()
      const timer = setTimeout(patience.resolve, patienceMs)
      await Promise.race([first.promise, patience.promise])
      clearTimeout(timer)
    },
    close: () => {
      for (const stop of stops) stop()
      listeners.clear()
      onClose()
    },
  }
}
