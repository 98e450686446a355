import type { AddressInfo, Server } from 'node:net'
import type { ConnectRouter } from '@connectrpc/connect'
import type { Discovery } from '@micromart/discovery/discovery'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Ids } from '@micromart/kernel/ids'
import { type Database, type DatabaseOptions, openDatabase } from '@micromart/postgres/database'
import type { Logger } from '@micromart/telemetry/logger'
import { type QueryClients, queryClients, queryServer } from './queries.ts'
import type { CommonConfig } from './service.ts'

/** Where a service touches the machine. Everybody takes `realMachine`, but for the simulator, which brings its own. */
export interface Machine {
  openDatabase(options: DatabaseOptions): Database
  queryClients(internalToken: string, discovery: Discovery): QueryClients
  /** Lets requests in. */
  openDoors(doors: Doors): Promise<OpenDoors>
}

export interface Doors {
  readonly service: string
  readonly config: CommonConfig
  readonly http: HttpServer
  readonly queries: ((router: ConnectRouter) => void) | undefined
  readonly ids: Ids
  readonly log: Logger
  /** Aborted when the service is told to end. */
  readonly leaving: AbortSignal
}

export interface OpenDoors {
  readonly url: string
  readonly grpcUrl: string | undefined
  /** What to close, in the order of opening. */
  readonly closers: readonly (() => Promise<unknown>)[]
}

export const realMachine: Machine = { openDatabase, queryClients, openDoors }

async function openDoors(doors: Doors): Promise<OpenDoors> {
  const { config, http, queries } = doors
  const grpc = queries && (await openGrpc(queries, doors))
  const url = await http.listen({ port: config.PORT, host: config.HOST }).catch(async (error: unknown) => {
    await grpc?.close()
    throw error
  })
  return { url, grpcUrl: grpc?.url, closers: [...(grpc ? [grpc.close] : []), () => http.close()] }
}

async function openGrpc(queries: (router: ConnectRouter) => void, { config, ids, log, leaving }: Doors) {
  const server = queryServer(queries, { internalToken: config.INTERNAL_TOKEN, ids, log, leaving })
  const sessions = new Set<{ close(): void; destroy(): void }>()
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  const url = await listen(server, config.GRPC_PORT, config.HOST)
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      for (const session of sessions) session.close()
      setTimeout(() => {
        for (const session of sessions) session.destroy()
      }, 2_000).unref()
    })
  return { url, close }
}

const listen = (server: Pick<Server, 'listen' | 'address' | 'once'>, port: number, host: string) =>
  new Promise<string>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(`http://${host}:${(server.address() as AddressInfo).port}`))
  })
