import { isForgedToken } from '@micromart/http-kit/identity'
import { ProblemError } from '@micromart/http-kit/problem'
import { runInContext, type WorkContext } from '@micromart/telemetry/context'
import type { Logger } from '@micromart/telemetry/logger'
import type { Metrics } from '@micromart/telemetry/metrics'

/** Refusals of what no honest client sends by accident (ASVS 5.0, 16.3.3), counted and logged. */
export interface Suspicions {
  /** Notes a refusal if it is one of those; for what never became a request there is no method. */
  note(error: unknown, asked: { readonly context: WorkContext; readonly method?: string }): void
  counts(): ReadonlyMap<string, number>
}

/** Two readings of one request, addresses that mean another one, and more than anybody has to say. */
const TRICKS: readonly string[] = [
  'request.malformed',
  'request.headers-too-large',
  'request.too-many-headers',
  'request.too-many-parameters',
  'request.target-too-long',
  'request.unknown-expectation',
]

/** Whoever tries many things must not fill the disk; the numbers go on. */
const MOST_LINES_PER_SECOND = 20

export function createSuspicions({ log, nowMs }: { log: Logger; nowMs: () => number }): Suspicions {
  const counts = new Map<string, number>()
  let second = 0
  let lines = 0

  const mayWrite = () => {
    const now = Math.floor(nowMs() / 1_000)
    if (now !== second) lines = 0
    second = now
    lines += 1
    return lines <= MOST_LINES_PER_SECOND
  }

  return {
    note: (error, { context, method = 'none' }) => {
      const code = suspicionOf(error)
      if (code === undefined) return
      counts.set(code, (counts.get(code) ?? 0) + 1)
      // neither the address nor the token: they may be what the attacker wants to see there
      if (mayWrite()) runInContext(context, () => log.warn({ code, method }, 'a request looks like an attack'))
    },
    counts: () => counts,
  }
}

function suspicionOf(error: unknown): string | undefined {
  if (!(error instanceof ProblemError)) return undefined
  if (isForgedToken(error)) return 'auth.forged-token'
  return TRICKS.find((code) => code === error.refusal.code)
}

export const measureSuspicions = (metrics: Metrics, suspicions: Suspicions): void =>
  metrics.observe({
    name: 'micromart_gateway_suspicions_total',
    help: 'Requests that were refused because they look like an attack, by what they were refused for.',
    kind: 'counter',
    read: () => [...suspicions.counts()].map(([code, value]) => ({ labels: { code }, value })),
  })
