import { ProblemError } from '@micromart/http-kit/problem'
import { type BreakerState, createCircuitBreaker } from './circuit-breaker.ts'
import { createRetryBudget } from './retry-budget.ts'

/** What keeps one service from being overrun, and everybody else from waiting for it. */
export interface ServiceGuard {
  /**
   * Lets a request to the service in; `isUpload` when its body is still coming, at the speed of the client.
   * @returns why not; otherwise `leave` must be called, once
   */
  enter(isUpload: boolean): Entry
  /** Whether a body may be passed on while it comes. */
  hasRoomForUpload(): boolean
  leave(pass: Pass, result: 'succeeded' | 'failed' | 'unknown'): void
  /** Whether a request that came to nothing may be sent once more. */
  mayRepeat(): boolean
  /** Counts for the metrics; they only grow, but for `inFlight` and `breaker`. */
  readonly counts: Readonly<GuardCounts>
  breaker(): BreakerState
}

export interface Pass {
  readonly trial: number
  readonly isUpload: boolean
}

export type Entry =
  | { readonly pass: Pass; readonly refused?: never }
  | { readonly pass?: never; readonly refused: ProblemError }

export interface GuardCounts {
  inFlight: number
  /** Refused because there were too many at once. */
  shed: number
  /** Refused because the service has failed too often. */
  broken: number
  retries: number
  /** Not repeated, because too much was repeated lately. */
  retriesRefused: number
}

export interface GuardOptions {
  readonly service: string
  /** Requests to the service at the same time; more are refused at once. */
  readonly mostInFlight: number
  /** In ms; never goes back. */
  readonly now: () => number
}

const BREAKER = { windowMs: 10_000, failureRatio: 0.5, leastRequests: 20, openMs: 1_000, trials: 5 }

/** Of the places at a service, for bodies that are passed on while they come: they stay as long as their clients like. */
const UPLOADS_SHARE = 0.25

export const unavailable = (service: string) =>
  new ProblemError(503, {
    code: 'service.unavailable',
    detail: `The ${service} service cannot be reached right now; try again in a moment`,
  })

export const overloaded = () =>
  new ProblemError(503, {
    code: 'gateway.overloaded',
    detail: 'There are too many requests right now; try again in a moment',
  })

export function createServiceGuard({ service, mostInFlight, now }: GuardOptions): ServiceGuard {
  const circuit = createCircuitBreaker({ ...BREAKER, now })
  const budget = createRetryBudget()
  const counts: GuardCounts = { inFlight: 0, shed: 0, broken: 0, retries: 0, retriesRefused: 0 }
  const mostUploads = Math.ceil(mostInFlight * UPLOADS_SHARE)
  let uploads = 0
  const hasRoomForUpload = () => uploads < mostUploads
  return {
    enter: (isUpload) => {
      if (counts.inFlight >= mostInFlight || (isUpload && !hasRoomForUpload())) {
        counts.shed += 1
        return { refused: overloaded() }
      }
      const trial = circuit.admit()
      if (trial === undefined) {
        counts.broken += 1
        return { refused: unavailable(service) }
      }
      counts.inFlight += 1
      if (isUpload) uploads += 1
      budget.sent()
      return { pass: { trial, isUpload } }
    },
    leave: ({ trial, isUpload }, result) => {
      counts.inFlight -= 1
      if (isUpload) uploads -= 1
      circuit.report(trial, result)
    },
    hasRoomForUpload,
    mayRepeat: () => {
      const may = budget.take()
      if (may) counts.retries += 1
      else counts.retriesRefused += 1
      return may
    },
    counts,
    breaker: circuit.state,
  }
}
