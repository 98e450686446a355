import { createServer } from 'node:net'

const LOWEST = 20_000
const BLOCKS = 60

/**
 * A port N whose companions are free too: N+1 to N+8 and N+101 to N+108 for the split shape. Ten such ranges share a block of two hundred, and
 * processes of neighbouring ids get different ones. All are below what operating systems give to outgoing connections.
 */
export async function freePortRange(): Promise<number> {
  for (let turn = process.pid; ; turn += 1) {
    const port = LOWEST + (Math.floor(turn / 10) % BLOCKS) * 200 + (turn % 10) * 10
    if (await isFree(port)) return port
  }
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
