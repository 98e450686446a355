import type { ProblemError } from '@micromart/http-kit/problem'
import type { Answer, Source } from '../answer.ts'
import type { Exchange, Work } from '../exchange.ts'
import type { WholeAnswer } from './keepable.ts'

/** What becomes of a flight, once. */
export interface Landing {
  onWhole(answer: WholeAnswer): void
  /** The answer is larger than what is kept: nobody can share it. */
  onTooLarge(): void
  /** Without a reason the answer broke off in the middle. */
  onFailed(problem: ProblemError | undefined): void
}

/** An answer larger than this is passed on as it comes. */
const MOST_BYTES = 1024 * 1024

/** One question to a service that many may wait for: equal requests at the same time, or nobody when an answer is renewed. */
export class Flight implements Answer {
  readonly tags: readonly string[]
  readonly startedAtMs: number
  readonly waiting = new Set<Exchange>()
  /** Something was emptied meanwhile: who waits gets the answer, but it is not kept and nobody else joins. */
  outdated = false
  readonly #landing: Landing
  #work: Work | undefined = undefined
  #chunks: Buffer[] = []
  #bytes = 0
  #status = 0
  #headers: readonly string[] = []
  #landed = false

  constructor({ tags, startedAtMs, landing }: { tags: readonly string[]; startedAtMs: number; landing: Landing }) {
    this.tags = tags
    this.startedAtMs = startedAtMs
    this.#landing = landing
  }

  /** @param ask may come to an end before it gives its work back */
  start(ask: (answer: Answer) => Work): void {
    const work = ask(this)
    if (!this.#landed) this.#work = work
  }

  /** Nobody wants it any more. */
  cancel(): void {
    this.#land()
    this.#work?.cancel()
  }

  begin(status: number, headers: string[], _source: Source): void {
    this.#status = status
    this.#headers = headers
    const at = headers.indexOf('content-length')
    if (at >= 0 && Number(headers[at + 1]) > MOST_BYTES) this.#tooLarge()
  }

  write(chunk: Buffer): boolean {
    if (this.#landed) return true
    this.#bytes += chunk.length
    this.#chunks.push(chunk)
    if (this.#bytes > MOST_BYTES) this.#tooLarge()
    return true
  }

  end(chunk?: Buffer): void {
    if (chunk) this.write(chunk)
    if (this.#landed) return
    this.#land()
    const [only] = this.#chunks
    const body = only && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks)
    this.#landing.onWhole({ status: this.#status, headers: this.#headers, body })
  }

  breakOff(): void {
    if (this.#landed) return
    this.#land()
    this.#landing.onFailed(undefined)
  }

  refuse(problem: ProblemError): void {
    if (this.#landed) return
    this.#land()
    this.#landing.onFailed(problem)
  }

  #land(): void {
    this.#landed = true
  }

  #tooLarge(): void {
    this.#land()
    this.#chunks = []
    setImmediate(() => this.#work?.cancel()) // not while it is still telling
    this.#landing.onTooLarge()
  }
}
