import { connect, type Socket } from 'node:net'
import { atEndOfTurn, type Waiting } from '../end-of-turn.ts'
import { AnswerReader, type AnswerTaker } from './answer-reader.ts'
import { type Asker, type Conversation, failureOf, type Question } from './transport.ts'

/** To whom a connection belongs. */
interface Owner {
  onFree(connection: Connection): void
  /** Nothing of it was sent, and another connection may do: this one had been in use, and is lost. */
  onUnsent(question: Question, asker: Asker): void
  /** Once, whatever became of it. */
  onGone(connection: Connection): void
}

export interface ConnectionOptions {
  readonly host: string
  readonly port: number
  /** For a question that names no host. */
  readonly hostHeader: string
  readonly connectTimeoutMs: number
  readonly owner: Owner
}

/** What is read at once. */
const READ_BYTES = 16_384

/** What no request target has (RFC 9112, section 3.2). */
const UNFIT_TARGET = /[^\x21-\x7e\x80-\xff]/

/** One connection to a service, with one question at a time. It is the taker of its own answers. */
export class Connection implements Conversation, AnswerTaker, Waiting {
  readonly #owner: Owner
  readonly #hostHeader: string
  readonly #socket: Socket
  readonly #reader = new AnswerReader(this)
  #asker: Asker | undefined = undefined
  #question: Question | undefined = undefined
  #failure: Error | undefined = undefined
  #wasUsed = false
  isPaused = false
  /** By the owner's clock. */
  idleSinceMs = 0

  constructor({ host, port, hostHeader, connectTimeoutMs, owner }: ConnectionOptions) {
    this.#owner = owner
    this.#hostHeader = hostHeader
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    const socket = connect({
      host,
      port,
      noDelay: true,
      onread: { buffer, callback: (count) => this.#read(buffer.subarray(0, count)) },
    })
    const timer = setTimeout(
      () => socket.destroy(failureOf('ETIMEDOUT', 'There is no connection in time', { syscall: 'connect' })),
      connectTimeoutMs,
    )
    this.#socket = socket
      .once('connect', () => clearTimeout(timer))
      .on('error', (error) => {
        this.#failure = error
      })
      .once('end', () => {
        if (!this.#reader.end()) this.#fail(failureOf('ECONNRESET', 'The service has closed the connection'))
      })
      .once('close', () => {
        clearTimeout(timer)
        this.#fail(this.#failure ?? failureOf('ECONNRESET', 'The connection is lost'))
        this.#owner.onGone(this)
      })
  }

  /** Sends it once everything that has come in this turn is read. */
  carry(question: Question, asker: Asker): void {
    this.#question = question
    this.#asker = asker
    asker.onAsked(this)
    atEndOfTurn(this)
  }

  atEndOfTurn(): void {
    const question = this.#question
    if (!question) return
    this.#question = undefined
    if (UNFIT_TARGET.test(question.target)) {
      const asker = this.#done()
      this.#owner.onFree(this)
      asker?.onFailed(failureOf('EUNFIT', 'The address cannot be written as a request'))
      return
    }
    this.#wasUsed = true
    this.#reader.expect(question.method)
    this.#write(question)
  }

  pause(): void {
    this.isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    this.isPaused = false
    this.#socket.resume()
  }

  giveUp(): void {
    this.#question = undefined
    this.#done()
    this.#socket.destroy() // an answer that nobody reads would stand before the next one
  }

  /** Nobody is asking. */
  close(): void {
    this.#socket.destroy()
  }

  onHead(status: number, headers: string[]): void {
    this.#asker?.onHead(status, headers)
  }

  onChunk(chunk: Buffer): void {
    this.#asker?.onChunk(chunk)
  }

  onWhole(isReusable: boolean): void {
    const asker = this.#done()
    if (this.isPaused) this.resume()
    // the next one may be carried at once, so the end of this one is told afterwards
    if (isReusable && this.#socket.writable) this.#owner.onFree(this)
    else this.#socket.destroy()
    asker?.onEnd()
  }

  #read(bytes: Buffer): boolean {
    try {
      this.#reader.take(bytes)
    } catch (error) {
      this.#fail(error as Error)
      this.#socket.destroy()
    }
    return !this.isPaused
  }

  #write({ method, target, headers, body }: Question): void {
    const whole = Buffer.isBuffer(body) ? body : undefined
    let head = `${method} ${target} HTTP/1.1\r\nconnection: keep-alive\r\n`
    let hasHost = false
    let hasLength = false
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index]
      hasHost ||= name === 'host'
      hasLength ||= name === 'content-length'
      head += `${name}: ${headers[index + 1]}\r\n`
    }
    if (!hasHost) head += `host: ${this.#hostHeader}\r\n`
    if (!hasLength && method !== 'GET' && method !== 'HEAD') head += `content-length: ${whole?.length ?? 0}\r\n`
    if (!whole) {
      this.#socket.write(`${head}\r\n`, 'latin1')
      return
    }
    this.#socket.cork()
    this.#socket.write(`${head}\r\n`, 'latin1')
    this.#socket.write(whole)
    this.#socket.uncork()
  }

  #fail(error: Error): void {
    const asker = this.#done()
    const unsent = this.#question
    this.#question = undefined
    if (asker && unsent && this.#wasUsed) this.#owner.onUnsent(unsent, asker)
    else asker?.onFailed(error)
  }

  #done(): Asker | undefined {
    const asker = this.#asker
    this.#asker = undefined
    return asker
  }
}
