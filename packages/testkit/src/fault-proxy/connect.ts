import { connect, type Socket } from 'node:net'

/** Who stands behind a proxy, on this machine. */
export interface Upstream {
  readonly port: number
}

/** A connection to the first upstream that accepts, beginning with the one whose turn it is; undefined when none does. */
export async function connectToAny(upstreams: readonly Upstream[], turn: number): Promise<Socket | undefined> {
  for (let index = 0; index < upstreams.length; index += 1) {
    const upstream = upstreams[(turn + index) % upstreams.length]
    const socket = upstream && (await connectTo(upstream))
    if (socket) return socket
  }
  return undefined
}

const connectTo = ({ port }: Upstream) =>
  new Promise<Socket | undefined>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.on('error', () => resolve(undefined))
  })
