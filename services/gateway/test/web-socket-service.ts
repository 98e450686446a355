import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** One WebSocket as a service sees it. */
export interface Peer {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly heard: { readonly opcode: number; readonly payload: Buffer }[]
  say(payload: string | Buffer, opcode?: number): boolean
}

export interface WebSocketService {
  readonly url: string
  readonly server: Server
  readonly peers: readonly Peer[]
}

const acceptOf = (key: string | undefined) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

/** A service that speaks just enough of RFC 6455: it echoes messages and answers a close. */
export async function startWebSocketService(
  t: TestContext,
  options: { readonly answer?: (request: IncomingMessage, socket: Socket) => boolean } = {},
): Promise<WebSocketService> {
  const peers: Peer[] = []
  const server = createServer((_request, response) =>
    response.setHeader('content-type', 'application/json').end('{"from":"the service"}'),
  )
  server.on('upgrade', (request, stream) => {
    const socket = stream as Socket
    socket.on('error', () => {}).on('end', () => socket.end())
    t.after(() => socket.destroy())
    if (options.answer?.(request, socket)) return
    const accept = acceptOf(request.headers['sec-websocket-key'])
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nServer: secret\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    peers.push(peerOf(request, socket))
  })
  t.after(() => server.close().closeAllConnections())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server, peers }
}

function peerOf(request: IncomingMessage, socket: Socket): Peer {
  const heard: { opcode: number; payload: Buffer }[] = []
  const say: Peer['say'] = (payload, opcode = 1) => socket.write(frame(Buffer.from(payload), opcode))
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (let next = read(rest); next; next = read(rest)) {
      rest = rest.subarray(next.size)
      heard.push(next)
      if (next.opcode === 8) socket.end(frame(next.payload, 8))
      else say(next.payload, next.opcode)
    }
  })
  return { request, socket, heard, say }
}

function frame(payload: Buffer, opcode: number): Buffer {
  const { length } = payload
  const head = length < 126 ? [0x80 | opcode, length] : [0x80 | opcode, 126, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), payload])
}

/** The first whole frame, unmasked. */
function read(bytes: Buffer) {
  const [first = 0, second = 0] = bytes
  const short = second & 0x7f
  const start = (short === 126 ? 4 : 2) + 4
  if (bytes.length < start) return undefined
  const length = short === 126 ? bytes.readUInt16BE(2) : short
  if (bytes.length < start + length) return undefined
  const mask = bytes.subarray(start - 4, start)
  const payload = bytes.subarray(start, start + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0))
  return { opcode: first & 0x0f, payload: Buffer.from(payload), size: start + length }
}
