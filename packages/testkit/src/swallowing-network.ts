import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** A way to a server that can lose everything without a word, as a cut cable does. */
export interface SwallowingNetwork {
  /** The server's URL with the address of this network. */
  readonly url: string
  /** From now on nothing arrives on the connections that are open, and none of them is closed. New ones work. */
  swallow(): void
}

export async function startNetwork(t: TestContext, serverUrl: string): Promise<SwallowingNetwork> {
  const url = new URL(serverUrl)
  const [port, host] = [Number(url.port), url.hostname]
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(port, host)
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}))
    near.pipe(far).pipe(near)
  })
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  url.port = String((server.address() as AddressInfo).port)
  url.hostname = '127.0.0.1'
  return {
    url: url.href,
    swallow: () => {
      for (const socket of sockets) socket.unpipe().pause()
    },
  }
}
