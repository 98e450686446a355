import type { Surroundings } from './functions.ts'
import type { Row, Table, TableDefinition, Tuple, WriteSet } from './tables.ts'
import type { Value } from './values.ts'

/** What the tables of one database look like; every copy of the database shares it, and compiled statements rest on it. */
export type Catalogue = ReadonlyMap<string, TableDefinition>

/** One statement on its way, for one session. */
export interface Execution extends Surroundings {
  readonly tables: ReadonlyMap<string, Table>
  readonly writes: WriteSet
  /** The rows of a table in the order that a scan happens to find them: any, as on the server. */
  readonly scan: (table: Table) => readonly Row[]
  /** Results of WITH queries. */
  readonly named: Map<string, readonly Tuple[]>
}

export interface ResultColumn {
  readonly name: string
  readonly type: string
}

export interface StatementResult {
  readonly columns: readonly ResultColumn[]
  readonly rows: readonly Tuple[]
  /** Rows read or touched. */
  readonly count: number
}

export interface CompiledStatement {
  readonly columns: readonly ResultColumn[]
  readonly run: (execution: Execution, parameters: readonly Value[]) => StatementResult
}

export function tableOf({ tables }: Execution, name: string): Table {
  const table = tables.get(name)
  if (!table) throw new Error(`There is no table ${name}`)
  return table
}
