import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What a door answers itself instead of asking the shop. */
export interface Said {
  readonly status: number
  readonly body: unknown
}

/** What a door makes of a request: another one, or an answer. */
export type Manner = (asked: Asked) => Asked | Said | Promise<Asked | Said>

const HEADERS = 4 * 1024 * 1024

/** A door of another make in front of the real shop: it does to each request what an unprotected shop would do to it. */
export async function openDoor(shopUrl: string, manner: Manner): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer({ maxHeaderSize: HEADERS }, async (request, response) => {
    try {
      const made = await manner(await askedBy(request))
      const said = 'status' in made ? made : await passOn(shopUrl, made)
      const text = typeof said.body === 'string' ? said.body : JSON.stringify(said.body)
      response.writeHead(said.status, { 'content-type': 'application/json' }).end(text)
    } catch (error) {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error))
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close().closeAllConnections()
    },
  }
}

async function askedBy(request: IncomingMessage): Promise<Asked> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : String(value),
    ]),
  )
  return { method: request.method ?? 'GET', path: request.url ?? '/', headers, body: await buffer(request) }
}

/** Asks the shop, byte for byte, without what belongs to the connection. */
export async function passOn(shopUrl: string, { method, path, headers, body }: Asked): Promise<Said> {
  const { hostname, port } = new URL(shopUrl)
  const { connection: _c, 'transfer-encoding': _t, 'content-length': _l, ...rest } = headers
  const length = body.length > 0 ? { 'content-length': String(body.length) } : {}
  const request = send({ hostname, port, method, path, headers: { ...rest, ...length }, agent: false })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, body: (await buffer(response)).toString() }
}

export const asPerson = (asked: Asked, token: string): Asked => ({
  ...asked,
  headers: { ...asked.headers, authorization: `Bearer ${token}` },
})

export const jsonOf = (asked: Asked) => JSON.parse(asked.body.toString() || '{}')

export const withJson = (asked: Asked, body: unknown): Asked => ({ ...asked, body: Buffer.from(JSON.stringify(body)) })
