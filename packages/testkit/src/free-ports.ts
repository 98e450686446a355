import { createServer } from 'node:net'

const LOWEST = 20_000
const BLOCKS = 60
const LOWEST_SINGLE = 12_000
const SINGLES = 8_000

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

/** So many free ports, each for whatever; below those of outgoing connections too, so that they stay free for a server that restarts. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  for (let turn = process.pid * count; ports.length < count; turn += 1) {
    const port = LOWEST_SINGLE + (turn % SINGLES)
    if (await isFree(port)) ports.push(port)
  }
  return ports
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
