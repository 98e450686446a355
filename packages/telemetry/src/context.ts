import { AsyncLocalStorage } from 'node:async_hooks'
import { cryptoBytes, hexOf } from '@micromart/kernel/ids'
import type { Deadline } from './deadline.ts'

/** What ties the work of many services to one request. */
export interface WorkContext {
  /** Minted at the gateway, carried by every call and message that follows. */
  readonly correlationId: string
  /** The id of the message or request being handled. */
  readonly causationId: string
  /** W3C Trace Context (https://www.w3.org/TR/trace-context/), version 00. */
  readonly traceparent: string
  /** Until when the answer is waited for; work that nobody waits for has none. */
  readonly deadline?: Deadline
}

const storage = new AsyncLocalStorage<WorkContext>()

export const currentContext = (): WorkContext | undefined => storage.getStore()

export const runInContext = <T>(context: WorkContext, work: () => T): T => storage.run(context, work)

/** For what serves many at once: it belongs to none of them, whoever happens to begin it. */
export const runOutsideContext = <T>(work: () => T): T => storage.exit(work)

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/

const randomHex = (bytes: number): string => hexOf(cryptoBytes(bytes))

const newTraceparent = (): string => `00-${randomHex(16)}-${randomHex(8)}-01`

/** The same trace with a span of its own; anything malformed starts a new trace. */
export function continueTrace(traceparent: string | undefined): string {
  const traceId = traceIdOf(traceparent)
  return traceId ? `00-${traceId}-${randomHex(8)}-01` : newTraceparent()
}

export const traceIdOf = (traceparent: string | undefined): string | undefined => {
  const traceId = TRACEPARENT.exec(traceparent ?? '')?.[1]
  return traceId === '0'.repeat(32) ? undefined : traceId
}
