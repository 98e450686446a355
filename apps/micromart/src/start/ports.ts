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
  const servers = await Promise.all(Array.from({ length: 2 * serviceNames.length }, open))
  const numbers = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return {
    gateway,
    http: each((index) => numbers[index] ?? 0),
    grpc: each((index) => numbers[index + serviceNames.length] ?? 0),
  }
}

const open = () =>
  new Promise<Server>((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })

/** @throws the server's own error (EADDRINUSE, EACCES) when the port cannot be opened */
export async function checkPortIsFree(port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  await new Promise((resolve) => server.close(resolve))
}
