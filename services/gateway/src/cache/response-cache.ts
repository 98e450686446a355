import { ProblemError } from '@micromart/http-kit/problem'
import type { Answer } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import type { ResponseCache, Ways } from '../gateway.ts'
import { createAnswerStore } from './answer-store.ts'
import type { CacheRule } from './cache-rule.ts'
import type { Flight } from './flight.ts'
import { createFlights, type Departure } from './flights.ts'
import { isShared, keepable, type WholeAnswer } from './keepable.ts'
import { type KeptAnswer, keptAnswer, pack } from './kept-answer.ts'
import { keyOf, tagsFor } from './question.ts'
import { CACHE_NAME, noSource, sendKept } from './send-kept.ts'

export interface CachedReads extends ResponseCache {
  /** Something with one of these tags has changed. */
  empty(tags: readonly string[]): void
  /** Anything may have changed. */
  emptyAll(): void
  /** Ends what is being asked for nobody in particular. */
  close(): void
  readonly counts: Readonly<CacheCounts>
  readonly size: () => { readonly bytes: number; readonly entries: number }
}

/** They only grow. */
export interface CacheCounts {
  hits: number
  stale: number
  misses: number
  /** Of the misses, those that waited for the question of another. */
  collapsed: number
}

export interface CacheOptions {
  /** All answers together, in bytes. */
  readonly mostBytes: number
  /** In ms. */
  readonly now: () => number
  /** Whether changes are heard of at the moment; while they are not, answers are kept only shortly. */
  readonly isHearing: () => boolean
}

/** What cannot be shared is not tried again for so long. */
const PASS_MS = 60_000
const MOST_PASSED = 10_000
/** The longest that an answer is fresh, and then stale, while nobody would say that it has changed. */
const UNHEARD_S = 2

const brokenOff = () =>
  new ProblemError(502, { code: 'gateway.bad-upstream', detail: 'The answer of the service broke off; try again' })

/** A question that is not, or not well enough, answered by what is kept. */
interface Open {
  readonly key: string
  readonly tags: readonly string[]
  readonly rule: CacheRule
  readonly ways: Ways
  /** There was an answer, but it is too old. */
  readonly wasKept: boolean
}

/**
 * Keeps answers to public reads, and makes equal questions at the same time one question. What is kept is asked for by nobody in
 * particular: the service sees the canonical address and no header of any client, so no client can put anything into it for others, and
 * nothing personal gets in.
 */
export function createResponseCache({ mostBytes, now, isHearing }: CacheOptions): CachedReads {
  const store = createAnswerStore(mostBytes)
  const flights = createFlights(now)
  const passed = new Map<string, number>()
  const counts: CacheCounts = { hits: 0, stale: 0, misses: 0, collapsed: 0 }

  const usableMs = (seconds: number) => (isHearing() ? seconds : Math.min(seconds, UNHEARD_S)) * 1_000

  const serve = (exchange: Exchange, ways: Ways): boolean => {
    const rule = exchange.route.cache
    if (rule === undefined) return false
    const key = keyOf(exchange, rule)
    if (key === undefined) return bypass(exchange)
    const kept = store.get(key)
    if (kept === undefined) return ask({ key, rule, ways, wasKept: false }, exchange, false)
    if (dependsOn(kept, exchange)) return bypass(exchange)
    const ageMs = now() - kept.keptAtMs
    const freshMs = usableMs(kept.maxAgeS)
    const isShown = ageMs < freshMs + usableMs(rule.staleS)
    if (isShown) sendKept(kept, exchange, { ageMs })
    if (ageMs >= freshMs) return ask({ key, rule, ways, wasKept: true }, exchange, isShown)
    counts.hits += 1
    return true
  }

  const ask = (about: Omit<Open, 'tags'>, exchange: Exchange, isAnswered: boolean): boolean => {
    const tags = tagsFor(exchange, about.rule)
    if (tags === undefined || isPassed(about.key)) return isAnswered || bypass(exchange)
    const departure = departureOf({ ...about, tags }, exchange)
    if (isAnswered) {
      counts.stale += 1
      flights.renew(departure)
      return true
    }
    counts.misses += 1
    if (flights.join(exchange, departure)) counts.collapsed += 1
    return true
  }

  const isPassed = (key: string) => {
    const untilMs = passed.get(key)
    if (untilMs === undefined || untilMs > now()) return untilMs !== undefined
    passed.delete(key)
    return false
  }

  const departureOf = (open: Open, { route, context }: Exchange): Departure => ({
    key: open.key,
    tags: open.tags,
    isKept: open.rule.maxAgeS > 0,
    ask: (answer) => {
      const nobody = { request: undefined, headers: {}, address: '' }
      return open.ways.forward({ method: 'GET', target: open.key, route, context, ...nobody }, answer)
    },
    land: (flight) => ({
      onWhole: (answer) => land(flight, open, answer),
      onTooLarge: () => passAll(flight, open),
      onFailed: (problem = brokenOff()) => {
        if (showOld(flight, open)) return
        for (const exchange of flight.waiting) open.ways.answerOf(exchange).refuse(problem)
      },
    }),
  })

  const land = (flight: Flight, open: Open, answer: WholeAnswer) => {
    if (answer.status >= 500 && showOld(flight, open)) return
    if (!isShared(answer.headers)) return passAll(flight, open)
    const kept = flight.outdated ? undefined : keep(flight, open, answer)
    tellAll(flight, open, kept ?? answer)
  }

  const tellAll = ({ waiting }: Flight, { ways, wasKept }: Open, what: KeptAnswer | WholeAnswer) => {
    const isKept = 'plain' in what
    const fetched = `${CACHE_NAME}; fwd=${wasKept ? 'stale' : 'uri-miss'}${isKept ? '; stored' : ''}`
    let status = fetched
    for (const exchange of waiting) {
      if (isKept) sendKept(what, exchange, { status })
      else sendWhole(what, ways.answerOf(exchange), status)
      status = `${fetched}; collapsed` // all but the first
    }
  }

  const keep = (flight: Flight, { key, tags, rule }: Open, answer: WholeAnswer): KeptAnswer | undefined => {
    const able = keepable(answer, rule)
    if (able === undefined) return undefined
    const kept = keptAnswer(answer, { keepable: able, key, tags, atMs: flight.startedAtMs })
    store.put(kept)
    pack(kept, answer).then(
      (isPacked) => {
        if (isPacked && store.has(kept)) store.put(kept) // it has grown
      },
      () => {}, // it stays as it is
    )
    return kept
  }

  /** What was good a while ago is better than an error. */
  const showOld = (flight: Flight, { key, rule }: Open): boolean => {
    const kept = store.get(key)
    const ageMs = kept ? now() - kept.keptAtMs : 0
    if (!kept || ageMs >= (kept.maxAgeS + rule.staleIfErrorS) * 1_000) return false
    for (const exchange of flight.waiting) sendKept(kept, exchange, { ageMs })
    return true
  }

  const passAll = (flight: Flight, { key, ways }: Open) => {
    if (passed.size >= MOST_PASSED) passed.clear()
    passed.set(key, now() + PASS_MS)
    for (const exchange of flight.waiting) {
      bypass(exchange)
      exchange.work = ways.forward(exchange, ways.answerOf(exchange))
    }
  }

  const empty = (tags: readonly string[]) => {
    flights.outdate((own) => own.some((tag) => tags.includes(tag)))
    store.empty(tags)
  }

  return {
    serve,
    watch: ({ route: { empties } }, answer) =>
      empties === undefined ? answer : emptying(answer, () => empty(empties)),
    empty,
    emptyAll: () => {
      flights.outdate(() => true)
      store.emptyAll()
    },
    close: flights.cancelAll,
    counts,
    size: () => ({ bytes: store.bytes(), entries: store.entries() }),
  }
}

function bypass({ said }: Exchange): false {
  said.push('cache-status', `${CACHE_NAME}; fwd=bypass`)
  return false
}

const dependsOn = ({ vary }: KeptAnswer, { headers }: Exchange) => vary.some((name) => headers[name] !== undefined)

function sendWhole({ status, headers, body }: WholeAnswer, answer: Answer, cacheStatus: string) {
  answer.begin(status, [...headers, 'cache-status', cacheStatus], noSource)
  answer.end(body)
}

/** Before the client hears of the write, so that it reads what it has written; whatever became of it, for a failed one may have been done. */
const emptying = (answer: Answer, empty: () => void): Answer => ({
  begin: (status, headers, source) => {
    empty()
    answer.begin(status, headers, source)
  },
  write: (chunk) => answer.write(chunk),
  end: (chunk) => answer.end(chunk),
  breakOff: () => answer.breakOff(),
  refuse: (problem) => {
    empty()
    answer.refuse(problem)
  },
})
