import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher, Pool } from 'undici'
import type { Asker, Conversation, Transport } from './transport.ts'

/** By undici: for bodies that come as they are sent, for answers that last, and for services that are asked over TLS. */
export const undiciTransport = (pool: Pool): Transport => ({
  ask: ({ method, target, headers, body, isHandshake }, asker) => {
    const about = { method: method as Dispatcher.HttpMethod, path: target, headers: [...headers], body: body ?? null }
    pool.dispatch({ ...about, upgrade: isHandshake ? 'websocket' : null }, new Turn(asker))
  },
  close: () => pool.close(),
})

type Upgraded = Parameters<Required<Dispatcher.DispatchHandler>['onRequestUpgrade']>

/** One question, as undici tells of it. */
class Turn implements Dispatcher.DispatchHandler, Conversation {
  readonly #asker: Asker
  #controller: Dispatcher.DispatchController | undefined = undefined
  #isOver = false

  constructor(asker: Asker) {
    this.#asker = asker
    asker.onAsked(this)
  }

  get isPaused(): boolean {
    return this.#controller?.paused === true
  }

  pause(): void {
    this.#controller?.pause()
  }

  resume(): void {
    this.#controller?.resume()
  }

  giveUp(): void {
    this.#isOver = true
    this.#controller?.abort(unwanted())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isOver) controller.abort(unwanted())
  }

  onRequestUpgrade(...[, , headers, socket]: Upgraded): void {
    if (!this.#isOver && this.#asker.onSwitched) this.#asker.onSwitched(listOf(headers), socket)
    else socket.on('error', () => {}).destroy()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status >= 200 && !this.#isOver) this.#asker.onHead(status, listOf(headers))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver) this.#asker.onChunk(chunk)
  }

  onResponseEnd(): void {
    if (!this.#isOver) this.#asker.onEnd()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#controller = undefined
    if (!this.#isOver) this.#asker.onFailed(error)
  }
}

const unwanted = () => new Error('nobody waits for it any more')

function listOf(headers: IncomingHttpHeaders): string[] {
  const list: string[] = []
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'string') list.push(name, value)
    else for (const each of value ?? []) list.push(name, each)
  }
  return list
}
