import type { Node } from './ast.ts'
import type { Execution, ResultColumn } from './execution.ts'
import type { Expression, Frame } from './expression.ts'
import { type Compiler, type FromStep, scopeOf } from './from.ts'
import { compileTargets } from './select.ts'
import type { TableDefinition, Tuple } from './tables.ts'
import { coerce, SqlError } from './values.ts'

/** A query or a write: what it answers, and how it runs. */
export interface Plan {
  readonly columns: readonly ResultColumn[]
  readonly run: (frame: Frame) => { readonly rows: readonly Tuple[]; readonly count: number }
}

export const executionOf = (frame: Frame) => frame.around as Execution

export function definitionOf({ catalogue }: Compiler, { relname }: Node): TableDefinition {
  const definition = catalogue.get(relname)
  if (!definition) throw new SqlError('42P01', `relation "${relname}" does not exist`)
  return definition
}

export function columnIndex({ name: table, columns }: TableDefinition, name: string): number {
  const index = columns.findIndex((column) => column.name === name)
  if (index < 0) throw new SqlError('42703', `column "${name}" of relation "${table}" does not exist`)
  return index
}

/** RETURNING over the rows that a write touched, each with what it was joined with. */
export function compileReturning(list: readonly Node[] | undefined, steps: readonly FromStep[], compiler: Compiler) {
  const targets = compileTargets(
    list ?? [],
    scopeOf(
      compiler,
      steps.map(({ source }) => source),
    ),
  )
  return {
    columns: targets.map(({ name, expression: { type } }) => ({ name, type })),
    answer: (frames: readonly Frame[]) => ({
      rows: list ? frames.map((frame) => targets.map(({ expression }) => expression.evaluate(frame))) : [],
      count: frames.length,
    }),
  }
}

export interface Assignment {
  readonly column: number
  readonly expression: Expression
}

export const compileAssignments = (
  list: readonly Node[],
  definition: TableDefinition,
  compile: (node: Node) => Expression,
) =>
  list.map(
    ({ ResTarget: { name, val } }): Assignment => ({ column: columnIndex(definition, name), expression: compile(val) }),
  )

export function assigned(
  tuple: Tuple,
  assignments: readonly Assignment[],
  { definition, frame }: { definition: TableDefinition; frame: Frame },
): Tuple {
  const result = [...tuple]
  for (const { column, expression } of assignments)
    result[column] = coerce(expression.evaluate(frame), definition.columns[column]?.type ?? 'unknown')
  return result
}
