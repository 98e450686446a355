import Type from 'typebox'
import { Check } from 'typebox/value'
import { type ConsulAddress, instanceUrl } from './address.ts'
import { type BackOff, pauseAfter } from './back-off.ts'
import { askConsul, type ConsulAgent, ConsulError } from './consul-api.ts'
import { repeat } from './repeat.ts'
import type { Source } from './source.ts'

/** The part of an answer of /v1/health/service that is read. */
const HealthyInstances = Type.Array(
  Type.Object({
    Node: Type.Object({ Address: Type.String({ minLength: 1 }) }),
    Service: Type.Object({ Address: Type.String(), Port: Type.Integer({ minimum: 1, maximum: 65_535 }) }),
  }),
)

export interface ConsulPace {
  /** How long the agent holds a question open while nothing changes. */
  readonly waitMs: number
  /** Least time between two questions, for a service that changes all the time. */
  readonly leastMs: number
  readonly backOff: BackOff
}

/** Beyond the wait Consul adds up to a sixteenth, so that not all ask again at once. */
const patienceMs = (waitMs: number) => Math.ceil(waitMs + waitMs / 16 + 5_000)

/**
 * The healthy instances of a service by Consul's blocking queries: each question carries the index of the last answer and is answered when
 * that has changed or the wait is over. An index that goes backwards, or is none, begins anew (Consul's rules for clients).
 */
export function consulSource(address: ConsulAddress, token: string, pace: ConsulPace): Source {
  const agent: ConsulAgent = { url: address.agent, token }
  const path = `/v1/health/service/${address.service}`
  return (heard) => {
    let index = 0
    let failures = 0
    const look = async (signal: AbortSignal) => {
      const query = queryOf(address, index, pace.waitMs)
      const response = await askConsul(agent, { path, query, withinMs: patienceMs(pace.waitMs), signal })
      const next = Number(response.headers.get('x-consul-index'))
      const instances = await instancesOf(response)
      if (signal.aborted) return
      index = next >= index && next > 0 ? next : 0
      heard.answer(instances)
    }
    return repeat(async (signal) => {
      try {
        await look(signal)
        failures = 0
        return index === 0 ? pace.backOff.firstMs : pace.leastMs
      } catch (error) {
        if (!signal.aborted) heard.failed(error)
        index = 0
        failures += 1
        return pauseAfter(failures, pace.backOff)
      }
    })
  }
}

function queryOf({ tags, datacenter }: ConsulAddress, index: number, waitMs: number): URLSearchParams {
  const query = new URLSearchParams({ passing: 'true' })
  for (const tag of tags) query.append('tag', tag)
  if (datacenter !== undefined) query.set('dc', datacenter)
  if (index > 0) {
    query.set('index', String(index))
    query.set('wait', `${waitMs}ms`)
  }
  return query
}

async function instancesOf(response: Response): Promise<readonly string[]> {
  if (!response.ok) {
    await response.body?.cancel()
    throw new ConsulError(response.status, `Consul answered ${response.status}`)
  }
  const body: unknown = await response.json()
  if (!Check(HealthyInstances, body))
    throw new ConsulError(response.status, 'Consul answered with something else than instances')
  return body.map(({ Node, Service }) => instanceUrl(Service.Address || Node.Address, Service.Port))
}
