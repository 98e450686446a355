import type { Node } from './ast.ts'
import type { Surroundings } from './functions.ts'
import type { Row, Tuple } from './tables.ts'
import type { SqlType, Value } from './values.ts'

/** One row of one source of a FROM clause; `row` is what a lock takes, and is missing for rows that lie in no table. */
export interface Item {
  readonly tuple: Tuple
  readonly row?: Row
}

/** What an expression is evaluated on. */
export interface Frame {
  readonly items: readonly Item[]
  readonly parameters: readonly Value[]
  readonly around: Surroundings
  /** The row of the query that this one is nested in. */
  readonly outer?: Frame
  /** The rows of a group, for aggregates. */
  readonly group?: readonly Frame[]
}

export interface Expression {
  readonly type: SqlType
  readonly evaluate: (frame: Frame) => Value
}

export interface Source {
  readonly alias: string
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[]
}

/** The names that an expression may use, and how nested queries are compiled. */
export interface Scope {
  readonly sources: readonly Source[]
  readonly outer?: Scope
  readonly subquery: (select: Node, scope: Scope) => Subquery
}

export interface Subquery {
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[]
  readonly rows: (outer: Frame) => readonly Tuple[]
}

export const typed = (type: SqlType, evaluate: Expression['evaluate']): Expression => ({ type, evaluate })
