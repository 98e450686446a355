import { createServer } from 'node:net'

const LOWEST_PORT = 20_000
const PORTS_EACH = 220

/** A port with room above it, for the split shape takes eight more, and as many again a hundred higher; all below those that outgoing connections get. */
export async function freePortRange(): Promise<number> {
  for (let turn = process.pid; ; turn += 1) {
    const port = LOWEST_PORT + (turn % 50) * PORTS_EACH
    if (await isFree(port)) return port
  }
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
