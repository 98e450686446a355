import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import { type Random, randomFrom } from '../random.ts'

/** The databases of a shop; the sandbox provider keeps its own. */
export const databaseNames = [...serviceNames, 'sandbox'] as const
export type DatabaseName = (typeof databaseNames)[number]

/** What goes wrong in one run. Every fault stands for itself, so that a failing run can be tried again with fewer of them. */
export type Fault =
  /** `kill -9` right before or after the service's n-th operation on its store; started again a while later. */
  | {
      readonly kind: 'crash'
      readonly service: ServiceName
      readonly operation: number
      readonly point: 'before' | 'after'
      readonly downMs: number
    }
  /** Everybody is thrown out of the database, and it is away for a while. */
  | { readonly kind: 'database-down'; readonly database: DatabaseName; readonly atMs: number; readonly downMs: number }
  | { readonly kind: 'broker-down'; readonly atMs: number; readonly downMs: number }
  /** The process stands still (SIGSTOP) and wakes as if nothing had happened. */
  | { readonly kind: 'freeze'; readonly service: ServiceName; readonly atMs: number; readonly forMs: number }
  /** What the service sends to its database is lost, and nothing says so until it gives up. */
  | { readonly kind: 'partition'; readonly service: ServiceName; readonly atMs: number; readonly forMs: number }
  | { readonly kind: 'clock-jump'; readonly service: ServiceName; readonly atMs: number; readonly byMs: number }
  /** A second delivery of a webhook that was accepted long ago, or the next one's contrary from somebody who cannot sign. */
  | { readonly kind: 'webhook-replayed' | 'webhook-forged'; readonly atMs: number }

/** How likely it is that one operation goes wrong by itself. */
export interface Noise {
  readonly statementLost: number
  readonly answerLost: number
  readonly slow: number
  readonly publishLost: number
  readonly confirmLost: number
  readonly delivered: { readonly twice: number; readonly late: number; readonly acknowledgeLost: number }
  readonly requestLost: number
  readonly responseLost: number
}

/** No bad luck at all. */
export const calmNoise: Noise = {
  statementLost: 0,
  answerLost: 0,
  slow: 0,
  publishLost: 0,
  confirmLost: 0,
  delivered: { twice: 0, late: 0, acknowledgeLost: 0 },
  requestLost: 0,
  responseLost: 0,
}

export interface Plan {
  readonly seed: number
  /** For how long, in simulated ms, shoppers come and faults happen. */
  readonly stormMs: number
  readonly faults: readonly Fault[]
  readonly noise: Noise
  readonly shoppers: number
  /** How many processes of a service share its work; those that are not named have one. */
  readonly instances: Partial<Readonly<Record<ServiceName, number>>>
  /** Pieces on hand of each SKU: few, so that they are fought for. */
  readonly stock: readonly number[]
}

const STORM_MS = 8_000
/** So many operations a service does in a storm, more or less. */
const OPERATIONS = 250

/** What a seed does: some runs are rough everywhere, some have one fault only, some nothing but bad luck. */
export function planOf(seed: number): Plan {
  const random = randomFrom(seed, 'plan')
  const level = random.pick([0, 0.5, 1, 1, 2])
  const rate = (most: number) => (random.chance(0.6) ? random.next() * most * level : 0)
  return {
    seed,
    stormMs: STORM_MS,
    faults: Array.from({ length: random.between(0, 6) }, () => faultOf(random)),
    noise: {
      statementLost: rate(0.01),
      answerLost: rate(0.02),
      slow: rate(0.03),
      publishLost: rate(0.05),
      confirmLost: rate(0.08),
      delivered: { twice: rate(0.15), late: rate(0.1), acknowledgeLost: rate(0.05) },
      requestLost: rate(0.05),
      responseLost: rate(0.08),
    },
    shoppers: random.between(2, 7),
    instances: random.chance(0.3) ? Object.fromEntries(serviceNames.map((name) => [name, random.between(1, 2)])) : {},
    stock: Array.from({ length: random.between(1, 3) }, () => random.between(1, 6)),
  }
}

function faultOf(random: Random): Fault {
  const service = random.pick(serviceNames)
  const atMs = random.between(50, STORM_MS)
  switch (
    random.pick(['crash', 'crash', 'crash', 'database', 'broker', 'freeze', 'partition', 'clock', 'replayed', 'forged'])
  ) {
    case 'database':
      return { kind: 'database-down', database: random.pick(databaseNames), atMs, downMs: random.between(10, 3_000) }
    case 'broker':
      return { kind: 'broker-down', atMs, downMs: random.between(10, 3_000) }
    case 'freeze':
      return { kind: 'freeze', service, atMs, forMs: random.pick([500, 5_000, 25_000]) }
    case 'partition':
      return { kind: 'partition', service, atMs, forMs: random.between(100, 5_000) }
    case 'clock':
      return { kind: 'clock-jump', service, atMs, byMs: random.pick([-30_000, -1_000, 1_000, 10_000]) }
    case 'replayed':
      return { kind: 'webhook-replayed', atMs }
    case 'forged':
      return { kind: 'webhook-forged', atMs }
    default:
      return {
        kind: 'crash',
        service,
        operation: random.between(1, OPERATIONS),
        point: random.pick(['before', 'after']),
        downMs: random.between(50, 3_000),
      }
  }
}
