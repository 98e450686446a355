import { type IncomingMessage, ServerResponse } from 'node:http'
import { hasName, withUsual } from './header-list.ts'
import { headText, type Said } from './prepared-head.ts'

/** The response of node:http, with a quicker way to write its head. */
export class PreparedResponse extends ServerResponse {
  /** The head as it is sent, null until there is one: what `writeHead` makes, under the name that it has in node:http. */
  declare _header: string | null
  /** False where node:http sends no body; likewise. */
  declare _hasBody: boolean
  readonly #mayPrepare: boolean

  constructor(request: IncomingMessage, ...options: [object?]) {
    super(request, ...(options as []))
    this.#mayPrepare = request.httpVersion === '1.1' && request.headers.expect === undefined
  }

  /**
   * Writes the head. Ordinary ones are written at once, without checking names and values once more; where connection, length or version ask for
   * something special, or should node:http come to keep its heads elsewhere, `writeHead` does it.
   */
  begin(status: number, what: Said): void {
    const isBare = status === 204 || status === 304
    const isOrdinary = this.#mayPrepare && this.shouldKeepAlive && this._header === null
    if (!isOrdinary || !(isBare || hasName(what.own, 'content-length'))) {
      this.writeHead(status, listOf(what))
      return
    }
    this.statusCode = status
    if (isBare) this._hasBody = false
    this._header = headText(status, what)
  }
}

function listOf({ said, own, usual }: Said): string[] {
  const all = said.slice()
  for (let index = 0; index < own.length; index += 2) {
    const name = own[index] ?? ''
    if (name === 'vary' || !hasName(said, name)) all.push(name, own[index + 1] ?? '')
  }
  return withUsual(all, usual)
}
