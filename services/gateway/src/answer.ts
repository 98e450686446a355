import type { Duplex } from 'node:stream'
import type { ProblemError } from '@micromart/http-kit/problem'

/** Who sends an answer, and waits while nobody takes it. */
export interface Source {
  /** More is welcome again, after `write` has returned false. */
  resume(): void
}

/**
 * Where the answer of a service goes: to the client, or on its way there through a compressor or a cache. Everything happens at once, so
 * that a whole answer costs a few calls. Either `refuse`, or `begin`, any number of `write` and then `end` or `breakOff`.
 */
export interface Answer {
  /** @param headers names in lower case and values in turn, without those of one connection (RFC 9110, section 7.6.1); the taker may change them */
  begin(status: number, headers: string[], source: Source): void
  /** @returns false when that is enough until `resume` is called */
  write(chunk: Buffer): boolean
  /** @param chunk the last one, if it is known to be that */
  end(chunk?: Buffer): void
  /** No more comes of what has begun, and it is not whole. */
  breakOff(): void
  /** The service has changed the protocol, as the route wished; what follows on this socket belongs to the taker. Without it none is wished. */
  switched?(headers: string[], socket: Duplex): void
  /** There is no answer, and this is why. */
  refuse(problem: ProblemError): void
}
