import type { Answer } from '../answer.ts'
import type { Exchange, Work } from '../exchange.ts'
import { Flight, type Landing } from './flight.ts'

/** Who comes later does not wait for a question that is this old: its answer may be, too, and it may never come. */
const JOIN_MS = 1_000

export interface Departure {
  readonly key: string
  readonly tags: readonly string[]
  readonly ask: (answer: Answer) => Work
  readonly land: (flight: Flight) => Landing
  /** Whether the answer is worth its end when nobody waits for it any more. */
  readonly isKept: boolean
}

/** The questions that are being asked. */
export interface Flights {
  /** Waits for a question that is being asked, or asks it. @returns whether it was being asked already */
  join(exchange: Exchange, departure: Departure): boolean
  /** Asks for nobody, unless somebody does already. */
  renew(departure: Departure): void
  /** What is being asked about this may be answered with what was before. */
  outdate(concerns: (tags: readonly string[]) => boolean): void
  /** Gives up all that is being asked. */
  cancelAll(): void
}

export function createFlights(now: () => number): Flights {
  /** The latest of each key, for those who join. */
  const latest = new Map<string, Flight>()
  const all = new Set<Flight>()

  const prepare = ({ key, tags, land }: Departure): Flight => {
    const done = () => forget(key, flight)
    const flight: Flight = new Flight({
      tags,
      startedAtMs: now(),
      landing: {
        onWhole: (answer) => {
          done()
          landing.onWhole(answer)
        },
        onTooLarge: () => {
          done()
          landing.onTooLarge()
        },
        onFailed: (problem) => {
          done()
          landing.onFailed(problem)
        },
      },
    })
    const landing = land(flight)
    all.add(flight)
    latest.set(key, flight)
    return flight
  }

  const forget = (key: string, flight: Flight) => {
    all.delete(flight)
    if (latest.get(key) === flight) latest.delete(key)
  }

  const leave = (flight: Flight, exchange: Exchange, { key, isKept }: Departure) => {
    flight.waiting.delete(exchange)
    if (flight.waiting.size > 0 || isKept) return
    forget(key, flight)
    flight.cancel()
  }

  return {
    join: (exchange, departure) => {
      const running = latest.get(departure.key)
      const joined = running && !running.outdated && now() - running.startedAtMs < JOIN_MS ? running : undefined
      const flight = joined ?? prepare(departure)
      flight.waiting.add(exchange)
      exchange.work = { cancel: () => leave(flight, exchange, departure) }
      if (!joined) flight.start(departure.ask)
      return joined !== undefined
    },
    renew: (departure) => {
      if (!latest.has(departure.key)) prepare(departure).start(departure.ask)
    },
    outdate: (concerns) => {
      for (const flight of all) if (concerns(flight.tags)) flight.outdated = true
    },
    cancelAll: () => {
      for (const flight of all) flight.cancel()
      all.clear()
      latest.clear()
    },
  }
}
