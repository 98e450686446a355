import { runInContext, type WorkContext } from '@micromart/telemetry/context'
import type { Logger } from '@micromart/telemetry/logger'

/** One request that is over. */
export interface Access {
  readonly method: string
  /** The pattern of the route, `/api/v1/orders/:id`; never the address itself, where ids, keys and questions stand. Undefined for none. */
  readonly route: string | undefined
  /** 0 when the client left before there was an answer. */
  readonly status: number
  readonly durationMs: number
  readonly context: WorkContext
}

/** Notes requests that are over: some of them, and every one that failed here or was slow. */
export type AccessLog = (access: Access) => void

export interface AccessLogOptions {
  readonly log: Logger
  /** Of a hundred ordinary requests. */
  readonly samplePercent: number
  readonly slowMs: number
  /** 0 to below 1. */
  readonly random: () => number
  readonly nowMs: () => number
}

/** A flood of failures must not become a flood of lines. */
const MOST_PER_SECOND = 200

/**
 * What it writes is method, pattern of the route, status and time, and the ids of the context: nothing that a client can choose but a
 * request id of harmless characters. So there is nothing personal or secret in it, nor a line break or a colour.
 */
export function createAccessLog(options: AccessLogOptions): AccessLog {
  const { log, samplePercent, slowMs, random, nowMs } = options
  const share = samplePercent / 100
  let second = 0
  let written = 0
  let left = 0

  const mayWrite = () => {
    const now = Math.floor(nowMs() / 1_000)
    if (now !== second) {
      if (left > 0) log.warn({ left }, 'requests were left out of the access log: too many in one second')
      second = now
      written = 0
      left = 0
    }
    written += 1
    if (written > MOST_PER_SECOND) left += 1
    return written <= MOST_PER_SECOND
  }

  return ({ method, route, status, durationMs, context }) => {
    const failed = status >= 500
    if (!failed && durationMs < slowMs && (share === 0 || random() >= share)) return
    if (!mayWrite()) return
    const line = { method, route: route ?? 'none', status, durationMs: Math.round(durationMs * 10) / 10 }
    runInContext(context, () => (failed ? log.warn(line, 'request') : log.info(line, 'request')))
  }
}
