import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { passOn } from './door.ts'

/** Which of two contradicting words about the end of a body is believed. */
export type Framing = 'chunks' | 'first length' | 'last length'

/**
 * Reads HTTP from a connection as forgiving servers did: lines may end with a line feed alone, extensions of chunks may have any size and
 * form, and of contradictions it takes the one it likes. What it finds, it asks the shop: a smuggled request becomes a real one.
 */
export async function openNaiveReader(shopUrl: string, framing: Framing) {
  const server = createServer((socket) => {
    let text = ''
    socket.setEncoding('latin1').on('error', () => {})
    socket.on('data', (part: string) => {
      text += part
      text = readAll(text, framing, (found) => void answer(socket, found))
    })
  })
  const answer = async (socket: Socket, found: Found) => {
    const { status, body } = await passOn(shopUrl, { ...found, headers: { host: 'shop', ...json(found) } })
    const text = String(body)
    if (socket.writable)
      socket.write(
        `HTTP/1.1 ${status} OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      )
  }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => void server.close(),
  }
}

interface Found {
  readonly method: string
  readonly path: string
  readonly body: Buffer
}

const json = ({ body }: Found): Record<string, string> =>
  body.length > 0 ? { 'content-type': 'application/json' } : {}

/** Every whole request in the text; what is left over. */
function readAll(text: string, framing: Framing, found: (request: Found) => void): string {
  let rest = text
  for (;;) {
    const read = readOne(rest, framing)
    if (!read) return rest
    found(read.request)
    rest = read.rest
  }
}

function readOne(text: string, framing: Framing): { request: Found; rest: string } | undefined {
  const end = /\r?\n\r?\n/.exec(text)
  if (!end) return undefined
  const [line = '', ...headers] = text.slice(0, end.index).split(/\r?\n/)
  const [method = 'GET', path = '/'] = line.split(' ')
  const after = text.slice(end.index + end[0].length)
  const lengths = headers.flatMap((header) => /^content-length\s*:\s*(\d+)/i.exec(header)?.[1] ?? [])
  const isChunked = headers.some((header) => /^transfer-encoding\s*:.*chunked/i.test(header))
  const length = Number((framing === 'last length' ? lengths.at(-1) : lengths[0]) ?? 0)
  const body =
    isChunked && (framing === 'chunks' || lengths.length === 0)
      ? readChunks(after)
      : { text: after.slice(0, length), rest: after.slice(length) }
  return body && { request: { method, path, body: Buffer.from(body.text, 'latin1') }, rest: body.rest }
}

function readChunks(text: string): { text: string; rest: string } | undefined {
  let body = ''
  let rest = text
  for (;;) {
    const line = /^([0-9a-f]+)[^\n]*\n/i.exec(rest)
    if (!line) return undefined
    const size = Number.parseInt(line[1] ?? '0', 16)
    rest = rest.slice(line[0].length)
    if (size === 0) return { text: body, rest: rest.replace(/^\r?\n/, '') }
    if (rest.length < size) return undefined
    body += rest.slice(0, size)
    rest = rest.slice(size).replace(/^\r?\n/, '')
  }
}
