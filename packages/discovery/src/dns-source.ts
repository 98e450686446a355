import type { Resolver } from 'node:dns/promises'
import { instanceUrl } from './address.ts'
import { type BackOff, pauseAfter } from './back-off.ts'
import { repeat } from './repeat.ts'
import type { Source } from './source.ts'

/** How often names are looked up: when the answer's TTL is over, but within these limits. */
export interface DnsPace {
  readonly leastMs: number
  /** Also for SRV records, whose TTL Node does not tell. */
  readonly mostMs: number
}

interface Found {
  readonly instances: readonly string[]
  readonly ttlMs: number
}

/** The A and AAAA records of a name, all on one port. */
export const addressRecords = (lookUp: DnsLookUp, { name, port }: { name: string; port: number }): Source =>
  dnsSource(lookUp, async () => {
    const { addresses, ttlMs } = await addressesOf(lookUp.resolver, name)
    return { instances: addresses.map((address) => instanceUrl(address, port)), ttlMs }
  })

/** The SRV records of a name (RFC 2782): targets of the lowest priority that have an address. Weights are left to the balancing. */
export const serviceRecords = (lookUp: DnsLookUp, { name }: { name: string }): Source =>
  dnsSource(lookUp, async () => {
    const records = await recordsOf(() => lookUp.resolver.resolveSrv(name))
    const offered = records.filter((record) => record.name !== '' && record.name !== '.')
    const best = Math.min(...offered.map(({ priority }) => priority))
    const targets = offered.filter(({ priority }) => priority === best)
    const looked = await Promise.allSettled(
      targets.map(async (target) => ({ port: target.port, ...(await addressesOf(lookUp.resolver, target.name)) })),
    )
    const found = looked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const failed = looked.find((each) => each.status === 'rejected')
    if (failed && found.length === 0) throw failed.reason
    const instances = found.flatMap(({ addresses, port }) => addresses.map((address) => instanceUrl(address, port)))
    return { instances, ttlMs: Math.min(lookUp.pace.mostMs, ...found.map(({ ttlMs }) => ttlMs)) }
  })

export interface DnsLookUp {
  readonly resolver: Resolver
  readonly pace: DnsPace
  readonly backOff: BackOff
}

function dnsSource({ resolver, pace, backOff }: DnsLookUp, find: () => Promise<Found>): Source {
  return (heard) => {
    let failures = 0
    const stop = repeat(async (signal) => {
      try {
        const { instances, ttlMs } = await find()
        if (!signal.aborted) heard.answer(instances)
        failures = 0
        return Math.min(pace.mostMs, Math.max(pace.leastMs, ttlMs))
      } catch (error) {
        if (!signal.aborted) heard.failed(error)
        failures += 1
        return pauseAfter(failures, backOff)
      }
    })
    return () => {
      stop()
      resolver.cancel()
    }
  }
}

/** Of both families; one that cannot be told does not hide the other. */
async function addressesOf(resolver: Resolver, name: string) {
  const looked = await Promise.allSettled([
    recordsOf(() => resolver.resolve4(name, { ttl: true })),
    recordsOf(() => resolver.resolve6(name, { ttl: true })),
  ])
  const records = looked.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
  const failed = looked.find((each) => each.status === 'rejected')
  if (failed && records.length === 0) throw failed.reason
  const ttlMs = Math.min(Number.POSITIVE_INFINITY, ...records.map(({ ttl }) => ttl * 1_000))
  return { addresses: records.map(({ address }) => address), ttlMs }
}

/** "There is none" is an answer, not a failure. */
const NONE = new Set(['ENOTFOUND', 'ENODATA'])

const recordsOf = <T>(look: () => Promise<T[]>): Promise<T[]> =>
  look().catch((error: NodeJS.ErrnoException) => {
    if (NONE.has(error.code ?? '')) return []
    throw error
  })
