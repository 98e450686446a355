import type { Random } from '../../random.ts'
import { type DatabaseName, databaseNames } from '../plan.ts'
import { type SimulatedServer, type StatementRecord, startSimulatedServer } from '../store/server.ts'
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

/** Told about every statement, for whoever wants to compare the answers with a real server's. */
export type RecordStatement = (database: DatabaseName, statement: StatementRecord) => void

const recorder = (name: DatabaseName, record: RecordStatement | undefined) =>
  record && ((statement: StatementRecord) => record(name, statement))

export const emptyServers = (schedule: Schedule, record?: RecordStatement): DatabaseServers =>
  serversOf((name) => startSimulatedServer({ now: () => schedule.nowMs, record: recorder(name, record) }))

/** The same tables and rows on servers of their own. */
export const copyOfServers = (
  template: DatabaseServers,
  { schedule, random, record }: { schedule: Schedule; random: Random; record?: RecordStatement | undefined },
): DatabaseServers =>
  serversOf((name) =>
    template[name].server.copy({
      now: () => schedule.nowMs,
      shuffle: random.fork(`scan ${name}`).shuffle,
      record: recorder(name, record),
    }),
  )

export function takeDown(server: DatabaseServer): void {
  server.up = false
  for (const lose of [...server.connections]) lose()
}
