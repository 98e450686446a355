import { uuidV7 } from '@micromart/kernel/ids'
import { databaseOn } from '@micromart/postgres/database'
import type { Machine } from '@micromart/service-kit/machine'
import { runService } from '@micromart/service-kit/run-service'
import type { AnyServiceDefinition, ServiceName } from '@micromart/service-kit/service'
import { silentLogger } from '@micromart/telemetry/logger'
import type { Random } from '../../random.ts'
import type { DatabaseName, Fault, Noise } from '../plan.ts'
import type { SimulatedBroker } from './broker.ts'
import { ConnectionLost, simulatedDriver, type Wire } from './driver.ts'
import type { Network } from './network.ts'
import type { Actor, Schedule } from './schedule.ts'
import type { DatabaseServer } from './servers.ts'
import type { Trace } from './trace.ts'

export type Crash = Extract<Fault, { kind: 'crash' }>

export interface NodeParts {
  /** How the trace names it. */
  readonly label: string
  readonly definition: AnyServiceDefinition
  readonly environment: Readonly<Record<string, string>>
  readonly servers: Readonly<Record<DatabaseName, DatabaseServer>>
  readonly schedule: Schedule
  readonly random: Random
  readonly trace: Trace
  readonly broker: SimulatedBroker
  readonly network: Network
  readonly noise: Noise
  readonly crashes: readonly Crash[]
}

/** One service as a process with its supervisor: it runs, dies, and is started again. */
export interface ServiceNode {
  readonly name: ServiceName
  start(): void
  kill(downMs: number): void
  /** SIGSTOP: for so long nothing of it goes on. */
  freeze(forMs: number): void
  /** Its database is out of reach. */
  partition(forMs: number): void
  jumpClock(byMs: number): void
  calm(): void
  isUp(): boolean
}

interface Incarnation extends Actor {
  alive: boolean
  readonly connections: Set<() => void>
}

const RESTART_MS = 300
/** How long a statement that is never answered is waited for: the driver's own time-out. */
const STATEMENT_PATIENCE_MS = 5_000

export function createNode(parts: NodeParts): ServiceNode {
  const { definition, label, schedule, random, trace, broker, network, servers } = parts
  const name = definition.name as ServiceName
  const log = silentLogger()
  let { noise } = parts
  let crashes = [...parts.crashes]
  let incarnation: Incarnation | undefined
  let births = 0
  let operations = 0
  let isUp = false
  let skewMs = 0
  let cutUntil = 0

  const crashHere = (point: Crash['point']): boolean => {
    const crash = crashes.find((candidate) => candidate.operation === operations && candidate.point === point)
    if (!crash) return false
    crashes = crashes.filter((candidate) => candidate !== crash)
    kill(crash.downMs)
    return true
  }

  const never = new Promise<never>(() => {})

  /** @throws ConnectionLost when the statement does not get there */
  const arrive = async (database: DatabaseName, statement: string) => {
    await schedule.pause(random.next() + (random.chance(noise.slow) ? random.between(50, 4_000) : 0))
    if (!servers[database].up) throw new ConnectionLost(`${database} is down`)
    if (schedule.nowMs >= cutUntil && !random.chance(noise.statementLost)) return
    trace.add(label, `loses a statement: ${statement}`)
    await schedule.pause(STATEMENT_PATIENCE_MS)
    throw new ConnectionLost('no answer came')
  }

  const carry = async <T>(database: DatabaseName, statement: string, perform: () => Promise<T>): Promise<T> => {
    await arrive(database, statement)
    operations += 1
    if (crashHere('before')) return never
    const result = await perform()
    trace.add(label, `${database}: ${statement}${countOf(result)}`)
    if (crashHere('after')) return never
    if (!random.chance(noise.answerLost)) return result
    trace.add(label, `loses the answer to: ${statement}`)
    throw new ConnectionLost('the answer was lost')
  }

  const wireTo = (database: DatabaseName, actor: Incarnation): Wire => ({
    carry: (statement, perform) => carry(database, shortened(statement), perform),
    moment: () => schedule.pause(random.next() * 2),
    register: ({ end, lose }) => {
      actor.connections.add(end)
      servers[database].connections.add(lose)
      return () => {
        actor.connections.delete(end)
        servers[database].connections.delete(lose)
      }
    },
  })

  const machineOf = (actor: Incarnation): Machine => ({
    openDatabase: ({ url, poolSize = 5 }) => {
      const database = new URL(url).hostname as DatabaseName
      return databaseOn(simulatedDriver({ server: servers[database].server, wire: wireTo(database, actor) }, poolSize))
    },
    queryClients: () => network.clients,
    openDoors: async ({ service, http, queries }) => {
      await http.ready()
      network.listen(actor, { name: service, http, queries })
      return { url: `http://${service}`, grpcUrl: `http://${service}`, closers: [] }
    },
  })

  const start = () => {
    births += 1
    const actor: Incarnation = { name: `${label}.${births}`, alive: true, connections: new Set() }
    incarnation = actor
    const clock = { now: () => new Date(schedule.nowMs + skewMs) }
    const draw = random.fork(`ids ${births}`)
    schedule.as(actor, () => {
      runService(definition, {
        environment: parts.environment,
        broker: broker.connect(actor),
        clock,
        ids: uuidV7(clock, (size) => draw.bytes(size)),
        log,
        machine: machineOf(actor),
      }).then(
        () => {
          isUp = true
          trace.add(actor.name, 'is up')
        },
        (error: unknown) => {
          if (actor.alive) kill(RESTART_MS, `cannot start: ${String(error)}`)
        },
      )
    })
  }

  const kill = (downMs: number, reason = 'is killed') => {
    const actor = incarnation
    if (!actor?.alive) return
    trace.add(actor.name, reason)
    actor.alive = false
    isUp = false
    for (const end of actor.connections) end()
    broker.drop(actor)
    schedule.as(undefined, () => schedule.after(downMs, start))
  }

  return {
    name,
    start,
    kill,
    freeze: (forMs) => {
      if (incarnation) schedule.freeze(incarnation, schedule.nowMs + forMs)
    },
    partition: (forMs) => {
      cutUntil = schedule.nowMs + forMs
    },
    jumpClock: (byMs) => {
      skewMs += byMs
    },
    calm: () => {
      noise = { ...noise, statementLost: 0, answerLost: 0, slow: 0 }
      crashes = []
      cutUntil = 0
    },
    isUp: () => isUp,
  }
}

const countOf = (result: unknown) => {
  const count = (result as { rowCount?: number | null } | undefined)?.rowCount
  return count === undefined || count === null ? '' : ` -> ${count}`
}

const known = new Map<string, string>()

/** The first words of a statement, enough to know it again. */
function shortened(text: string): string {
  const short = known.get(text) ?? text.trim().replaceAll(/\s+/g, ' ').slice(0, 60)
  known.set(text, short)
  return short
}
