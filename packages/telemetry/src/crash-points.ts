import { AsyncLocalStorage } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'

/**
 * The moments between two steps in which a process can die, fail or stand still, and what is done and not yet done there.
 * The kits name each of them once; the crash matrix takes every one that a running shop reaches.
 */
export const crashPoints = {
  'handle.before': 'a message or request is here, nothing is done yet',
  'commit.before': 'everything is written, the commit is not sent',
  'commit.after': 'the server has committed, its answer is not heard yet',
  'reply.before': 'the request is done, the client has not heard',
  'reply.after': 'the answer is sent',
  'publish.before': 'outbox rows are read, the broker has none of them',
  'publish.after': 'messages are written to the broker, no confirm is awaited yet',
  'confirm.after': 'the broker has confirmed, the rows are not marked',
  'mark.after': 'the rows are marked as published',
  'acknowledge.before': 'messages are handled, the broker has not heard',
  'acknowledge.after': 'messages are acknowledged',
  'timer-claim.after': 'a due timer is claimed, nothing is done',
  'provider-call.before': 'the other side is about to be called',
  'provider-call.after': 'the other side has answered, nothing is recorded',
  'query.before': 'another service asks, nothing is read',
  'query.after': 'the answer to another service is made, not sent',
  'forward.before': 'the gateway has checked a request, the service has not heard of it',
  'forward.after': 'the gateway has passed the answer on',
} as const

export type CrashPoint = keyof typeof crashPoints

/** What a subscriber is told. It may kill the process there and then, or give an `outcome` that the work has to wait for. */
export interface PointReached {
  readonly point: CrashPoint
  /** What it is about, such as `message:micromart.order.placed.v1`, `timer:capture`; a batch is about several. */
  readonly kinds: readonly string[]
  /** A promise that rejects makes the work fail here; one that never settles makes it hang. */
  outcome?: Promise<void>
}

export const CRASH_POINT_CHANNEL = 'micromart:crash-point'

/** Outside any named work: what a service does while it starts. */
const STARTING = ['start']

const reached = channel(CRASH_POINT_CHANNEL)
const current = new AsyncLocalStorage<readonly string[]>()

/** Names what is worked on, for the points reached within. Costs nothing while nobody listens. */
export const workingOn = <T>(kinds: () => readonly string[], work: () => T): T =>
  reached.hasSubscribers ? current.run(kinds(), work) : work()

/** Says that a point is reached; wait for what it returns. Without a subscriber that is undefined, and all it costs is a look. */
export function crashPoint(point: CrashPoint, kinds?: () => readonly string[]): Promise<void> | undefined {
  if (!reached.hasSubscribers) return undefined
  const told: PointReached = { point, kinds: kinds?.() ?? current.getStore() ?? STARTING }
  reached.publish(told)
  return told.outcome
}
