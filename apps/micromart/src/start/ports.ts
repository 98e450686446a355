import { createServer, type Server } from 'node:net'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'

export interface Ports {
  readonly gateway: number
  readonly http: Readonly<Record<ServiceName, number>>
  readonly grpc: Readonly<Record<ServiceName, number>>
}

const each = (portOf: (index: number) => number) =>
  Object.fromEntries(serviceNames.map((name, index) => [name, portOf(index)])) as Record<ServiceName, number>

/** More would meet the gRPC ports of the first. */
export const MOST_INSTANCES = 9

/** The documented ports: gateway N, services N+1 to N+8, their gRPC a hundred higher; the second instance of each has ten more, and so on. */
export const portsFrom = (gateway: number, instances = 1): readonly Ports[] =>
  Array.from({ length: instances }, (_, instance) => gateway + 10 * instance).map((first) => ({
    gateway: first,
    http: each((index) => first + 1 + index),
    grpc: each((index) => first + 101 + index),
  }))

/** Below what operating systems give to outgoing connections, which could take a port between the look and the use. */
const LOWEST = 10_000
const RANGE = 10_000

/** For one process nobody but the gateway calls the services, so any free ports will do and none can be in the way. Two shops that start together look in different places. */
export async function freePorts(gateway: number): Promise<Ports> {
  const needed = 2 * serviceNames.length
  const numbers: number[] = []
  for (let turn = process.pid * needed; numbers.length < needed; turn += 1) {
    const port = LOWEST + (turn % RANGE)
    if (port !== gateway && (await isFree(port))) numbers.push(port)
  }
  return {
    gateway,
    http: each((index) => numbers[index] ?? 0),
    grpc: each((index) => numbers[index + serviceNames.length] ?? 0),
  }
}

const isFree = (port: number) =>
  checkPortIsFree(port).then(
    () => true,
    () => false,
  )

const listenOn = (port: number) =>
  new Promise<Server>((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })

/** Waits for a used port for at most `patienceMs`. @throws the server's own error (EADDRINUSE, EACCES) when the port cannot be opened */
export async function checkPortIsFree(port: number, patienceMs = 0): Promise<void> {
  const giveUpAt = Date.now() + patienceMs
  for (;;)
    try {
      const server = await listenOn(port)
      await new Promise((resolve) => server.close(resolve))
      return
    } catch (error) {
      if (Date.now() >= giveUpAt || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
}
