import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { anonymous, type Caller } from '@micromart/http-kit/identity'
import type { ProblemError } from '@micromart/http-kit/problem'
import type { WorkContext } from '@micromart/telemetry/context'
import type { Answer, Source } from './answer.ts'
import type { Client } from './client.ts'
import { atEndOfTurn, type Waiting } from './end-of-turn.ts'
import { PreparedResponse } from './prepared-response.ts'
import { sendProblem } from './refusal.ts'
import type { Route } from './routes.ts'
import type { Listed } from './running.ts'

/** What a service is asked. An exchange is one; who asks on its own account, such as a cache that renews an answer, makes another. */
export interface Ask {
  readonly method: string
  /** Path and query as they came. */
  readonly target: string
  /** Names in lower case; what of them goes on to the service is decided by the forwarder. */
  readonly headers: IncomingHttpHeaders
  /** Where a body comes from; whether there is one is told by `headers`. */
  readonly request: IncomingMessage | undefined
  readonly route: Route
  /** Of the client. */
  readonly address: string
  /** The client came by TLS. */
  readonly isSecure?: boolean
  readonly context: WorkContext
}

/** Something under way that can be given up when nobody waits for it any more. */
export interface Work {
  cancel(): void
}

/** The response of node:http, which knows its exchange, so that no listener needs a closure of its own. */
export class GatewayResponse extends PreparedResponse implements Listed<GatewayResponse> {
  exchange: Exchange | undefined = undefined
  before: GatewayResponse | undefined = undefined
  after: GatewayResponse | undefined = undefined
}

/** So much of an answer may wait for a slow client before the service has to wait too: more than any of the shop's ordinary answers. */
const MOST_UNREAD_BYTES = 512 * 1024

/** An answer up to this size goes out with its headers in one piece. */
export const ONE_PIECE_BYTES = 8 * 1024

const NOTHING: readonly string[] = []

/** One request and its answer on their way through the gateway. What is found out about them on the way is written here. */
export class Exchange implements Ask, Answer, Waiting {
  readonly request: IncomingMessage
  readonly response: GatewayResponse
  readonly headers: IncomingHttpHeaders
  readonly method: string
  readonly target: string
  /** The target without its query. */
  readonly path: string
  readonly address: string
  readonly isSecure: boolean
  readonly context: WorkContext
  /** By `performance.now()`. */
  readonly startedAtMs = performance.now()
  /** What every answer to this request says, whoever gives it: header names in lower case and values in turn. */
  readonly said: string[]
  /** What an answer says unless its maker does; likewise. */
  usual: readonly string[] = NOTHING
  /** By the verified token. */
  caller: Caller = anonymous
  /** Undefined for a page of the gateway, and for what leads nowhere. */
  found: Route | undefined = undefined
  /** What is given up when the client goes away. */
  work: Work | undefined = undefined
  #source: Source | undefined = undefined
  #last: Buffer | string | undefined = undefined

  constructor(request: IncomingMessage, response: GatewayResponse, from: { client: Client; context: WorkContext }) {
    const target = request.url ?? '/'
    const query = target.indexOf('?')
    this.request = request
    this.response = response
    this.headers = request.headers
    this.method = request.method ?? 'GET'
    this.target = target
    this.path = query < 0 ? target : target.slice(0, query)
    this.address = from.client.address
    this.isSecure = from.client.isSecure
    this.context = from.context
    this.said = ['x-request-id', from.context.correlationId]
    response.exchange = this
  }

  /** @throws RangeError before there is one */
  get route(): Route {
    if (!this.found) throw new RangeError('There is no route yet')
    return this.found
  }

  /** @param rest see `Said` */
  begin(status: number, headers: readonly string[], ...[source, rest]: readonly [Source, string?]): void {
    this.response.begin(status, { said: this.said, own: headers, usual: this.usual, rest })
    this.#source = source
  }

  write(chunk: Buffer): boolean {
    const { response } = this
    if (response.write(chunk) || response.writableLength < MOST_UNREAD_BYTES) return true
    response.once('drain', () => this.#source?.resume())
    return false
  }

  end(chunk?: Buffer): void {
    // headers and a string are one write to the socket, headers and a buffer are two
    this.#last = chunk !== undefined && chunk.length <= ONE_PIECE_BYTES ? chunk.toString('latin1') : chunk
    atEndOfTurn(this)
  }

  /** @param text a body of bytes as latin1 */
  endWith(text: string): void {
    this.#last = text
    atEndOfTurn(this)
  }

  atEndOfTurn(): void {
    const last = this.#last
    this.#last = undefined
    if (last === undefined) this.response.end()
    else this.response.end(last, 'latin1')
  }

  breakOff(): void {
    this.response.destroy()
  }

  refuse(problem: ProblemError): void {
    sendProblem(this, problem)
  }
}
