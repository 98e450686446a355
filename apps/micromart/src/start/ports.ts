import { type AddressInfo, createServer, type Server } from 'node:net'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'

export interface Ports {
  readonly gateway: number
  readonly http: Readonly<Record<ServiceName, number>>
  readonly grpc: Readonly<Record<ServiceName, number>>
}

const each = (portOf: (index: number) => number) =>
  Object.fromEntries(serviceNames.map((name, index) => [name, portOf(index)])) as Record<ServiceName, number>

/** The documented ports: gateway N, services N+1 to N+8, their gRPC a hundred higher. */
export const portsFrom = (gateway: number): Ports => ({
  gateway,
  http: each((index) => gateway + 1 + index),
  grpc: each((index) => gateway + 101 + index),
})

/** For one process nobody but the gateway calls the services, so any free ports will do and none can be in the way. */
export async function freePorts(gateway: number): Promise<Ports> {
  const servers = await Promise.all(Array.from({ length: 2 * serviceNames.length }, () => listenOn(0)))
  const numbers = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return {
    gateway,
    http: each((index) => numbers[index] ?? 0),
    grpc: each((index) => numbers[index + serviceNames.length] ?? 0),
  }
}

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
