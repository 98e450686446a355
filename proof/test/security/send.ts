import { once } from 'node:events'
import { type IncomingMessage, type OutgoingHttpHeaders, request as open } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Blow, Target } from './abuse-case.ts'

export interface Wish {
  readonly method?: string
  /** Sent as it is. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: unknown
}

export interface Answered {
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: attackers look into bodies freely
  readonly body: any
  /** Status and code, such as `404 order.unknown`; the status alone of what has no code. */
  readonly said: string
}

/** One request on a connection of its own, with nothing normalised. */
export async function send({ url }: Target, { method = 'GET', path, headers = {}, body }: Wish): Promise<Answered> {
  const { hostname, port } = new URL(url)
  const bytes = body === undefined || Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body)
  const about =
    bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }
  const request = open({ hostname, port, method, path, headers: { ...about, ...headers }, agent: false })
  request.on('error', () => {}) // what is still being written when the answer is there
  request.end(bytes)
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return answered(response.statusCode ?? 0, await text(response))
  } catch {
    return { status: 0, text: '', body: undefined, said: CUT_OFF }
  }
}

/** Whoever is still sending when the answer comes and the connection is closed may never see it (RFC 9112, section 9.6). */
export const CUT_OFF = 'cut off'

function answered(status: number, answer: string): Answered {
  const body = parsed(answer)
  return { status, text: answer, body, said: body?.code ? `${status} ${body.code}` : String(status) }
}

function parsed(answer: string) {
  try {
    return JSON.parse(answer)
  } catch {
    return undefined
  }
}

/** Sends these bytes and tells the first answer. */
export async function sendBytes({ url }: Target, bytes: string): Promise<Answered> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(bytes, 'latin1')
  socket.setTimeout(2_000, () => socket.end()) // who keeps the connection open has nothing more to say
  const all = await text(socket).catch(() => '')
  const [head = '', ...body] = all.split('\r\n\r\n')
  return answered(
    Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0),
    body.join('\r\n\r\n').split(/HTTP\/1\.[01] /)[0] ?? '',
  )
}

/** A blow that has won when the answer is as good as an owner's. */
export const blow = (what: string, answer: Answered, won = answer.status >= 200 && answer.status < 300): Blow => ({
  what,
  won,
  answer: answer.said,
})
