import { type Node, unwrap } from './ast.ts'
import { type Execution, tableOf } from './execution.ts'
import type { Frame, Item } from './expression.ts'
import { compileExpression } from './expressions.ts'
import { type Compiler, type FromStep, scopeOf, tableStep } from './from.ts'
import {
  assigned,
  columnIndex,
  compileAssignments,
  compileReturning,
  definitionOf,
  executionOf,
  type Plan,
} from './plans.ts'
import { compileSelect } from './select.ts'
import { MustWait, type Row, type Table, type TableDefinition, type Tuple, type Unique } from './tables.ts'
import { coerce, SqlError, type Value } from './values.ts'

/** INSERT, with what becomes of a row whose key is taken. */
export function planInsert(
  { relation, cols, selectStmt, onConflictClause, returningList, returningClause }: Node,
  compiler: Compiler,
): Plan {
  const definition = definitionOf(compiler, relation)
  const step = tableStep(relation, compiler)
  const given: readonly number[] = cols
    ? (cols as readonly Node[]).map(({ ResTarget }) => columnIndex(definition, ResTarget.name))
    : definition.columns.map((_, index) => index)
  const rows = compileSelect(unwrap(selectStmt)[1], compiler).rows
  const { columns, answer } = compileReturning(returningClause?.exprs ?? returningList, [step], compiler)
  const conflict = onConflictClause && compileConflict(onConflictClause, { definition, step, compiler })

  const newTuple = (values: Tuple, table: Table): Tuple =>
    definition.columns.map((column, index) => {
      const at = given.indexOf(index)
      if (at >= 0) return coerce(values[at] ?? null, column.type)
      if (column.identity) return table.nextIdentity++
      return column.defaultValue?.() ?? null
    })

  return {
    columns,
    run: (frame) => {
      const execution = executionOf(frame)
      const table = tableOf(execution, definition.name)
      const written: Item[] = []
      for (const values of rows(frame)) {
        const tuple = newTuple(values, table)
        const outcome = conflict ? conflict(tuple, frame, table) : 'insert'
        if (outcome === 'insert') {
          checkForeignKeys(tuple, definition, execution)
          execution.writes.insert(table, tuple)
          written.push({ tuple })
        } else if (outcome) written.push({ tuple: outcome })
      }
      return answer(written.map((item) => ({ ...frame, items: [item] })))
    },
  }
}

/** What becomes of a row whose key may be taken: it is inserted, it is the updated tuple, or nothing happens. */
type OnConflict = (tuple: Tuple, frame: Frame, table: Table) => 'insert' | Tuple | undefined

function compileConflict(
  { action, infer, targetList }: Node,
  { definition, step, compiler }: { definition: TableDefinition; step: FromStep; compiler: Compiler },
): OnConflict {
  const uniques = infer ? [inferredUnique(infer, definition)] : definition.uniques
  const scope = scopeOf(compiler, [step.source, { alias: 'excluded', columns: definition.columns }])
  const assignments = compileAssignments(targetList ?? [], definition, (node) => compileExpression(node, scope))
  return (tuple, frame, table) => {
    const { writes } = executionOf(frame)
    let row: Row | undefined
    for (const unique of uniques) row ??= writes.conflicting(table, unique, { tuple, self: undefined })
    if (!row) return 'insert'
    if (action === 'ONCONFLICT_NOTHING') return undefined
    writes.lock(table, row)
    const before = writes.visible(row) as Tuple
    const after = assigned(before, assignments, {
      definition,
      frame: { ...frame, items: [{ tuple: before }, { tuple }] },
    })
    writes.replace(table, row, after)
    return after
  }
}

function inferredUnique({ indexElems }: Node, definition: TableDefinition): Unique {
  const wanted = (indexElems as readonly Node[]).map(({ IndexElem }) => columnIndex(definition, IndexElem.name)).sort()
  const unique = definition.uniques.find(({ columns }) => JSON.stringify(columns.toSorted()) === JSON.stringify(wanted))
  if (!unique) throw new SqlError('42P10', `there is no unique constraint of ${definition.name} that fits ON CONFLICT`)
  return unique
}

function checkForeignKeys(tuple: Tuple, { name, foreignKeys }: TableDefinition, execution: Execution): void {
  for (const key of foreignKeys) {
    const value = tuple[key.column]
    if (value === null || hasParent(tableOf(execution, key.table), value, execution)) continue
    const sentence = `insert or update on table "${name}" violates foreign key constraint "${key.name}"`
    throw new SqlError('23503', sentence, { constraint: key.name })
  }
}

/** @throws MustWait for a parent that somebody is just making */
function hasParent({ definition, rows }: Table, value: Value, { writes }: Execution): boolean {
  const at = definition.uniques[0]?.columns[0] ?? 0
  const parents = [...rows]
  if (parents.some((row) => writes.visible(row)?.[at] === value)) return true
  const undecided = parents.find(({ pending }) => pending?.tuple?.[at] === value)
  if (undecided?.lockedBy) throw new MustWait(undecided.lockedBy)
  return false
}
