import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { limitKey } from '@micromart/http-kit/client-address'

export interface GuardOptions {
  /** Open at once, in all. At the limit the ones that have been idle longest make room. */
  readonly mostConnections: number
  /** From one address; trusted proxies have as many as they like. */
  readonly mostPerAddress: number
  /** Whoever sends or reads more slowly than this is cut off; in bytes per second. */
  readonly leastBytesPerS: number
  /** For so long somebody may be slower, in ms. */
  readonly patienceMs: number
  readonly isTrusted: (address: string) => boolean
}

export interface ConnectionGuard {
  readonly connections: () => number
  /** Looks at every connection, as it does by itself each second. */
  sweep(nowMs: number): void
  close(): void
}

interface Watched {
  readonly socket: Socket
  readonly key: string | undefined
  request: IncomingMessage | undefined
  response: ServerResponse | undefined
  /** Bytes in both directions that were there at the last look. */
  read: number
  written: number
  /** Since when it has been too slow, by the time of the sweeps; undefined while it is not. */
  slowSinceMs: number | undefined
}

const SWEEP_EVERY_MS = 1_000

/**
 * Keeps slow and greedy connections from using up the gateway: their number, in all and from one address, and the least speed of a body that
 * comes or an answer that is read. Headers that come slowly are cut off by Node itself (`headersTimeout`).
 */
export function guardConnections(server: Server, options: GuardOptions): ConnectionGuard {
  const { mostConnections, mostPerAddress, isTrusted } = options
  const open = new Map<Socket, Watched>()
  const perAddress = new Map<string, number>()

  const forget = ({ socket, key }: Watched) => {
    open.delete(socket)
    if (key === undefined) return
    const left = (perAddress.get(key) ?? 1) - 1
    if (left === 0) perAddress.delete(key)
    else perAddress.set(key, left)
  }
  const accept = (socket: Socket) => {
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')
    const key = isTrusted(address) ? undefined : limitKey(address)
    const count = key === undefined ? 0 : (perAddress.get(key) ?? 0)
    if (count >= mostPerAddress || (open.size >= mostConnections && !makeRoom(open))) return socket.destroy()
    if (key !== undefined) perAddress.set(key, count + 1)
    const watched = {
      socket,
      key,
      request: undefined,
      response: undefined,
      read: 0,
      written: 0,
      slowSinceMs: undefined,
    }
    open.set(socket, watched)
    socket.once('close', () => forget(watched))
  }
  const begun = (request: IncomingMessage, response: ServerResponse) => {
    const watched = open.get(request.socket)
    if (!watched) return
    watched.request = request
    watched.response = response
  }
  const sweep = (nowMs: number) => {
    for (const watched of open.values()) look(watched, { nowMs, server, options })
  }

  server.prependListener('connection', accept).on('request', begun).on('checkExpectation', begun)
  const timer = setInterval(() => sweep(performance.now()), SWEEP_EVERY_MS).unref()
  return { connections: () => open.size, sweep, close: () => clearInterval(timer) }
}

/** The first idle one goes: connections stand in the order in which they came. */
function makeRoom(open: ReadonlyMap<Socket, Watched>): boolean {
  for (const { socket, request, response } of open.values())
    if (request && response?.writableFinished && !socket.destroyed) {
      socket.destroy()
      return true
    }
  return false
}

function look(watched: Watched, { nowMs, server, options }: { nowMs: number; server: Server; options: GuardOptions }) {
  const { socket } = watched
  const written = socket.bytesWritten - socket.writableLength
  const needed = (options.leastBytesPerS * SWEEP_EVERY_MS) / 1_000
  const isSlow =
    (isStillSending(watched) && socket.bytesRead - watched.read < needed) ||
    (isStillReading(watched) && written - watched.written < needed)
  watched.read = socket.bytesRead
  watched.written = written
  if (!isSlow) watched.slowSinceMs = undefined
  else {
    watched.slowSinceMs ??= nowMs
    if (nowMs - watched.slowSinceMs >= options.patienceMs) cutOff(watched, server)
  }
}

/** Its body is not all here, and we would take more of it. */
const isStillSending = ({ request, response }: Watched) =>
  request !== undefined && !request.complete && request.readableLength === 0 && response?.writableEnded !== true

/** Part of an answer, or of our goodbye, waits to be read. */
const isStillReading = ({ socket }: Watched) => socket.writableLength > 0 || socket.writableEnded

function cutOff({ socket, response }: Watched, server: Server) {
  const isOver = socket.writableLength > 0 || socket.writableEnded || response?.headersSent !== false
  if (isOver) return socket.destroy()
  const tooSlow = Object.assign(new Error('The body came too slowly'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
  server.emit('clientError', tooSlow, socket)
}
