import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { connectToAny, type Upstream } from './fault-proxy/connect.ts'
import { type Direction, HEALTHY, openPipe, type Pipe, type PipeState } from './fault-proxy/pipe.ts'

/** What a network can do to connections; each holds for those that are open and for new ones, until `heal`. */
export type NetworkFault =
  /** Every chunk arrives later, in order; the jitter is added at random. */
  | { readonly kind: 'latency'; readonly delayMs: number; readonly jitterMs: number }
  | { readonly kind: 'bandwidth'; readonly bytesPerSecond: number }
  /** Nothing passes and nobody is told; when it heals, what was sent arrives, as TCP's retransmissions would. */
  | { readonly kind: 'partition' }
  | { readonly kind: 'one-way'; readonly lost: Direction }
  /**
   * Clients' connections, old and new, look open for ever and are dead: healing helps only those made afterwards. The servers keep their
   * side open too, until the healing, when their keep-alive would have noticed.
   */
  | { readonly kind: 'half-open' }
  /** So many more bytes pass in this direction, then the connection is reset. */
  | { readonly kind: 'cut-after'; readonly bytes: number; readonly direction: Direction }
  /** The port is closed. Open connections go on. */
  | { readonly kind: 'refuse' }

export interface FaultProxy {
  readonly port: number
  /** The address with the proxy in the place of its host and port. */
  urlOf(address: string): string
  /** The fault that holds now. */
  readonly fault: () => NetworkFault | undefined
  /** Takes the place of the fault before it. */
  apply(fault: NetworkFault): Promise<void>
  heal(): Promise<void>
  /** Breaks every open connection with RST, on both sides. @returns how many there were */
  reset(): number
  connections(): number
  close(): Promise<void>
}

interface Link {
  readonly client: Socket
  readonly pipes: Pipe[]
  server: Socket | undefined
  dead: boolean
  /** Connects to an upstream unless that was done, or cannot be done now. */
  establish(): void
  reset(): void
}

const LISTEN_PATIENCE_MS = 5_000

/**
 * Forwards TCP to one of several upstreams (in turn, skipping who does not accept: a level-4 balancer) and breaks the network on command.
 * @throws when the port cannot be opened
 */
export async function startFaultProxy(options: {
  /** Asked again for each connection, so it may change. */
  readonly upstreams: () => readonly Upstream[]
  /** 0, the default, for any. */
  readonly port?: number
}): Promise<FaultProxy> {
  const links = new Set<Link>()
  let fault: NetworkFault | undefined
  let turn = 0

  const accept = (client: Socket) => {
    const link: Link = createLink(client, {
      connect: () => connectToAny(options.upstreams(), turn++),
      onClosed: () => links.delete(link),
    })
    links.add(link)
    affect(link, fault)
    if (!isSilent(fault)) link.establish()
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
  await listen(server, options.port ?? 0)
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0

  const open = async () => {
    const giveUpAt = Date.now() + LISTEN_PATIENCE_MS
    while (!server.listening)
      await listen(server, port).catch(async (error: unknown) => {
        if (Date.now() > giveUpAt) throw error
        await new Promise((resolve) => setTimeout(resolve, 20))
      })
  }

  return {
    port,
    urlOf: (address) => {
      const url = new URL(address)
      url.hostname = '127.0.0.1'
      url.port = String(port)
      return url.href
    },
    fault: () => fault,
    apply: async (next) => {
      fault = next
      for (const link of links) affect(link, next)
      if (next.kind === 'refuse') server.close()
      else await open()
    },
    heal: async () => {
      fault = undefined
      for (const link of links) affect(link, undefined)
      for (const link of links)
        if (link.dead) link.server?.resetAndDestroy()
        else link.establish()
      await open()
    },
    reset: () => {
      const open = [...links]
      for (const link of open) link.reset()
      return open.length
    },
    connections: () => links.size,
    close: async () => {
      const closed = server.listening ? once(server, 'close') : undefined
      if (server.listening) server.close()
      for (const link of [...links]) link.reset()
      await closed
    },
  }
}

/** Nobody hears the knock. */
const isSilent = (fault: NetworkFault | undefined) => fault?.kind === 'partition' || fault?.kind === 'half-open'

const listen = (server: Server, port: number) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject)
      resolve()
    })
  })

/** What a fault does to one direction. */
function stateOf(fault: NetworkFault | undefined, direction: Direction): PipeState {
  switch (fault?.kind) {
    case 'latency':
      return { ...HEALTHY, delayMs: fault.delayMs, jitterMs: fault.jitterMs }
    case 'bandwidth':
      return { ...HEALTHY, bytesPerSecond: fault.bytesPerSecond }
    case 'partition':
      return { ...HEALTHY, blocked: true }
    case 'one-way':
      return { ...HEALTHY, blocked: fault.lost === direction }
    case 'cut-after':
      return fault.direction === direction ? { ...HEALTHY, bytesLeft: fault.bytes } : HEALTHY
    case 'half-open':
    case 'refuse':
    case undefined:
      return HEALTHY
  }
}

function affect(link: Link, fault: NetworkFault | undefined): void {
  if (fault?.kind === 'half-open') link.dead = true
  for (const pipe of link.pipes) {
    const state = stateOf(fault, pipe.direction)
    pipe.set(link.dead ? { ...state, blocked: true } : state)
  }
}

interface LinkParts {
  connect(): Promise<Socket | undefined>
  /** Both sides are closed. */
  onClosed(): void
}

function createLink(client: Socket, { connect, onClosed }: LinkParts): Link {
  let connecting = false
  const reset = () => {
    client.resetAndDestroy()
    link.server?.resetAndDestroy()
  }
  const toServer = openPipe({ direction: 'to-server', from: client, to: () => link.server, onCut: reset })
  const toClient = openPipe({ direction: 'to-client', from: undefined, to: () => client, onCut: reset })
  const closed = () => {
    if (client.closed && (link.server?.closed ?? true)) onClosed()
  }
  const join = (server: Socket | undefined) => {
    if (!server) return client.resetAndDestroy()
    if (client.destroyed) return server.resetAndDestroy()
    link.server = server
    toClient.listenTo(server)
    toServer.resume()
    // who breaks one side breaks the other, once the network lets it be known
    server.once('close', () => toClient.whenPassed(() => client.destroy())).once('close', closed)
    server.once('error', () => toClient.whenPassed(() => client.resetAndDestroy()))
  }
  const link: Link = {
    client,
    server: undefined,
    dead: false,
    pipes: [toServer, toClient],
    reset,
    establish: () => {
      if (connecting || link.dead) return
      connecting = true
      void connect().then(join)
    },
  }
  client.on('error', () => toServer.whenPassed(() => link.server?.resetAndDestroy()))
  client.once('close', () => toServer.whenPassed(() => link.server?.destroy())).once('close', closed)
  return link
}
