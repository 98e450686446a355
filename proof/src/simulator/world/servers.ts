import { type DatabaseName, databaseNames } from '../plan.ts'
import type { Random } from '../random.ts'
import { type SimulatedServer, startSimulatedServer } from '../store/server.ts'
import type { Schedule } from './schedule.ts'

/** One database with everybody who is connected to it. */
export interface DatabaseServer {
  readonly server: SimulatedServer
  readonly connections: Set<() => void>
  up: boolean
}

export type DatabaseServers = Readonly<Record<DatabaseName, DatabaseServer>>

const serversOf = (make: (name: DatabaseName) => SimulatedServer): DatabaseServers =>
  Object.fromEntries(
    databaseNames.map((name) => [name, { server: make(name), connections: new Set(), up: true }]),
  ) as unknown as DatabaseServers

export const emptyServers = (schedule: Schedule): DatabaseServers =>
  serversOf(() => startSimulatedServer({ now: () => schedule.nowMs }))

/** The same tables and rows on servers of their own. */
export const copyOfServers = (
  template: DatabaseServers,
  { schedule, random }: { schedule: Schedule; random: Random },
): DatabaseServers =>
  serversOf((name) =>
    template[name].server.copy({ now: () => schedule.nowMs, shuffle: random.fork(`scan ${name}`).shuffle }),
  )

export function takeDown(server: DatabaseServer): void {
  server.up = false
  for (const lose of [...server.connections]) lose()
}
