import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '@micromart/telemetry/logger'
import { agentOf } from './address.ts'
import { askConsul, type ConsulAgent, ConsulError } from './consul-api.ts'

/** One thing that a process offers, as others will find it. */
export interface Offer {
  /** The name that it is looked up by. */
  readonly service: string
  readonly host: string
  readonly port: number
}

/** Says to a registry that this process is there, for as long as it is. */
export interface Registration {
  /** Takes the offers out of the registry before the process goes. Never fails: what stays in the registry becomes critical there by itself. */
  leave(): Promise<void>
}

export interface RegistrationOptions {
  /** `consul://agent:port`, with `?tag=` for tags; `static:` registers nowhere. */
  readonly registry: string
  readonly token: string
  readonly offers: readonly Offer[]
  /** Whether the process can work; asked at each sign of life. */
  readonly isReady: () => Promise<boolean>
  readonly log: Logger
  readonly pace?: RegistrationPace
}

export interface RegistrationPace {
  /** A process that gives no sign of life for so long is critical. */
  readonly ttlMs: number
  /** After that time in critical state the registry forgets it; Consul takes no less than a minute. */
  readonly forgottenAfterMs: number
}

const defaultPace: RegistrationPace = { ttlMs: 10_000, forgottenAfterMs: 60_000 }
const PATIENCE_MS = 2_000

/** @returns undefined for what cannot be read as a registry */
export function parseRegistry(registry: string): { readonly kind: 'none' } | ConsulRegistry | undefined {
  if (registry === 'static:') return { kind: 'none' }
  if (!/^consul(?:\+https)?:\/\//.test(registry) || !URL.canParse(registry)) return undefined
  const url = new URL(registry)
  if (url.pathname !== '' && url.pathname !== '/') return undefined
  return { kind: 'consul', agent: agentOf(url), tags: url.searchParams.getAll('tag') }
}

interface ConsulRegistry {
  readonly kind: 'consul'
  readonly agent: string
  readonly tags: readonly string[]
}

/**
 * Registers the offers with the registry and gives signs of life until it is told to leave. A registry that is away, or has forgotten what it
 * knew, gets them again as soon as it answers. Returns at once: a service starts without its registry too.
 * @throws Error when the registry's address cannot be read
 */
export function register(options: RegistrationOptions): Registration {
  const registry = parseRegistry(options.registry)
  if (!registry) throw new Error(`"${options.registry}" is no registry: say consul://agent:port or static:`)
  if (registry.kind === 'none') return { leave: async () => {} }
  const { log, isReady, pace = defaultPace } = options
  const agent: ConsulAgent = { url: registry.agent, token: options.token }
  const entries = options.offers.map((offer) => entryOf(offer, registry.tags, pace))
  const leaving = new AbortController()
  let known = false
  let failing = false

  const signOfLife = async () => {
    const ready = await Promise.race([isReady(), pause(PATIENCE_MS, false, { ref: false })])
    for (const entry of entries) {
      if (known && (await confirm(agent, entry, ready))) continue
      await put(agent, '/v1/agent/service/register', { body: entry, query: REPLACE_CHECKS })
      if (!(await confirm(agent, entry, ready))) throw new Error(`Consul does not take signs of life of ${entry.ID}`)
      log.info({ service: entry.Name, id: entry.ID }, 'registered')
    }
    known = true
    if (failing) log.info('the registry answers again')
    failing = false
  }
  const stay = async () => {
    while (!leaving.signal.aborted) {
      await signOfLife().catch((err: unknown) => {
        if (!failing) log.warn({ err }, 'the registry cannot be told that this service is here; trying again')
        failing = true
      })
      await pause(pace.ttlMs / 3, undefined, { signal: leaving.signal }).catch(() => {}) // told to leave
    }
  }
  const staying = stay()
  const leave = async () => {
    leaving.abort()
    await staying // a registration under way would come after the farewell
    await Promise.all(
      entries.map(({ ID }) =>
        put(agent, `/v1/agent/service/deregister/${ID}`).catch((err: unknown) =>
          log.warn({ err, id: ID }, 'could not deregister; the registry will find out'),
        ),
      ),
    )
  }
  let left: Promise<void> | undefined
  return {
    leave: () => {
      left ??= leave()
      return left
    },
  }
}

const REPLACE_CHECKS = new URLSearchParams({ 'replace-existing-checks': 'true' })

/** The body of /v1/agent/service/register. The id is the same after a restart, so that the new process takes the place of the old one. */
function entryOf({ service, host, port }: Offer, tags: readonly string[], pace: RegistrationPace) {
  const id = `${service}-${host.replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${port}`
  return {
    ID: id,
    Name: service,
    Address: host,
    Port: port,
    Tags: tags,
    Check: {
      CheckID: `service:${id}`,
      Name: `${service} gives signs of life`,
      TTL: `${pace.ttlMs}ms`,
      DeregisterCriticalServiceAfter: `${pace.forgottenAfterMs}ms`,
    },
  }
}

type Entry = ReturnType<typeof entryOf>

/** False when the agent does not know the check, because it has lost what it knew. */
async function confirm(agent: ConsulAgent, { Check: { CheckID } }: Entry, ready: boolean): Promise<boolean> {
  const state = ready ? { Status: 'passing', Output: 'ready' } : { Status: 'critical', Output: 'not ready' }
  try {
    await put(agent, `/v1/agent/check/update/${CheckID}`, { body: state })
    return true
  } catch (error) {
    if (error instanceof ConsulError && error.status >= 400) return false
    throw error
  }
}

async function put(agent: ConsulAgent, path: string, { body, query }: { body?: object; query?: URLSearchParams } = {}) {
  const response = await askConsul(agent, {
    method: 'PUT',
    path,
    withinMs: PATIENCE_MS,
    ...(body === undefined ? {} : { body }),
    ...(query === undefined ? {} : { query }),
  })
  const text = await response.text()
  if (!response.ok) throw new ConsulError(response.status, `Consul answered ${response.status}: ${text.slice(0, 200)}`)
}
