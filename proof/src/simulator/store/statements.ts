import { type Node, unwrap } from './ast.ts'
import { type Catalogue, type CompiledStatement, type Execution, type ResultColumn, tableOf } from './execution.ts'
import { compileExpression, type Expression, type Frame, type Item } from './expressions.ts'
import { addFrom, type Compiler, type FromStep, product, scopeOf, tableStep } from './from.ts'
import { compileSelect, compileTargets } from './select.ts'
import { MustWait, type Row, type Table, type TableDefinition, type Tuple, type Unique } from './tables.ts'
import { coerce, notSimulated, SqlError, type Value } from './values.ts'

/** A query or a write: what it answers, and how it runs. */
interface Plan {
  readonly columns: readonly ResultColumn[]
  readonly run: (frame: Frame) => { readonly rows: readonly Tuple[]; readonly count: number }
}

const planners: Readonly<Record<string, (node: Node, compiler: Compiler) => Plan>> = {
  SelectStmt: (node, compiler) => {
    const { columns, rows } = compileSelect(node, compiler)
    return {
      columns,
      run: (frame) => {
        const result = rows(frame)
        return { rows: result, count: result.length }
      },
    }
  },
  InsertStmt: planInsert,
  UpdateStmt: planUpdate,
  DeleteStmt: planDelete,
}

export const isQuery = (kind: string): boolean => kind in planners

/** WITH queries run first, in order, each once; the main statement reads what they answered. */
export function compileQuery(kind: string, node: Node, catalogue: Catalogue): CompiledStatement {
  const named = new Map<string, readonly ResultColumn[]>()
  const compiler: Compiler = { catalogue, named, query: (select, outer) => compileSelect(select, compiler, outer) }
  const plan = (queryKind: string, query: Node) => {
    const planner = planners[queryKind]
    if (!planner) throw notSimulated(queryKind)
    return planner(query, compiler)
  }
  const withQueries = ((node['withClause']?.ctes ?? []) as readonly Node[]).map(
    ({ CommonTableExpr: { ctename, ctequery } }) => {
      const compiled = plan(...unwrap(ctequery))
      named.set(ctename, compiled.columns)
      return { name: ctename as string, compiled }
    },
  )
  const { withClause: _, ...main } = node
  const { columns, run } = plan(kind, main)
  return {
    columns,
    run: (execution, parameters) => {
      const frame: Frame = { items: [], parameters, around: execution }
      for (const { name, compiled } of withQueries) execution.named.set(name, compiled.run(frame).rows)
      return { columns, ...run(frame) }
    },
  }
}

const executionOf = (frame: Frame) => frame.around as Execution

function definitionOf({ catalogue }: Compiler, { relname }: Node): TableDefinition {
  const definition = catalogue.get(relname)
  if (!definition) throw new SqlError('42P01', `relation "${relname}" does not exist`)
  return definition
}

function columnIndex({ name: table, columns }: TableDefinition, name: string): number {
  const index = columns.findIndex((column) => column.name === name)
  if (index < 0) throw new SqlError('42703', `column "${name}" of relation "${table}" does not exist`)
  return index
}

/** RETURNING over the rows that a write touched, each with what it was joined with. */
function compileReturning(list: readonly Node[] | undefined, steps: readonly FromStep[], compiler: Compiler) {
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

interface Assignment {
  readonly column: number
  readonly expression: Expression
}

const compileAssignments = (list: readonly Node[], definition: TableDefinition, compile: (node: Node) => Expression) =>
  list.map(
    ({ ResTarget: { name, val } }): Assignment => ({ column: columnIndex(definition, name), expression: compile(val) }),
  )

function assigned(
  tuple: Tuple,
  assignments: readonly Assignment[],
  { definition, frame }: { definition: TableDefinition; frame: Frame },
): Tuple {
  const result = [...tuple]
  for (const { column, expression } of assignments)
    result[column] = coerce(expression.evaluate(frame), definition.columns[column]?.type ?? 'unknown')
  return result
}

function planInsert(
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

function planUpdate(
  { relation, targetList, fromClause, whereClause, returningList, returningClause }: Node,
  compiler: Compiler,
): Plan {
  const definition = definitionOf(compiler, relation)
  const { steps, scope, where } = compileTarget(relation, fromClause, { whereClause, compiler })
  const assignments = compileAssignments(targetList, definition, (node) => compileExpression(node, scope))
  const { columns, answer } = compileReturning(returningClause?.exprs ?? returningList, steps, compiler)
  return {
    columns,
    run: (frame) => {
      const execution = executionOf(frame)
      const table = tableOf(execution, definition.name)
      const updated = matching(product(steps, frame, where), table, execution).map((match) => {
        const [target, ...others] = match.items as readonly [Item, ...Item[]]
        const tuple = assigned(target.tuple, assignments, { definition, frame: match })
        execution.writes.replace(table, target.row as Row, tuple)
        return { ...match, items: [{ tuple }, ...others] }
      })
      return answer(updated)
    },
  }
}

function planDelete(
  { relation, usingClause, whereClause, returningList, returningClause }: Node,
  compiler: Compiler,
): Plan {
  const definition = definitionOf(compiler, relation)
  const { steps, where } = compileTarget(relation, usingClause, { whereClause, compiler })
  const { columns, answer } = compileReturning(returningClause?.exprs ?? returningList, steps, compiler)
  return {
    columns,
    run: (frame) => {
      const execution = executionOf(frame)
      const table = tableOf(execution, definition.name)
      const matches = matching(product(steps, frame, where), table, execution)
      for (const { items } of matches) execution.writes.replace(table, items[0]?.row as Row, undefined)
      return answer(matches)
    },
  }
}

/** The table that is written comes first, then what it is joined with. */
function compileTarget(
  relation: Node,
  others: readonly Node[] | undefined,
  { whereClause, compiler }: { whereClause: Node | undefined; compiler: Compiler },
) {
  const steps: FromStep[] = [tableStep(relation, compiler)]
  for (const node of others ?? []) addFrom(node, { steps, compiler, outer: undefined })
  const scope = scopeOf(
    compiler,
    steps.map(({ source }) => source),
  )
  return { steps, scope, where: whereClause && compileExpression(whereClause, scope) }
}

/** Locks what is to be written; a row that is joined more than once is written once. @throws MustWait */
function matching(frames: readonly Frame[], table: Table, { writes }: Execution): readonly Frame[] {
  const matches = new Map<Row, Frame>()
  for (const frame of frames) {
    const row = frame.items[0]?.row as Row
    if (!matches.has(row)) matches.set(row, frame)
  }
  for (const row of matches.keys()) writes.lock(table, row)
  return [...matches.values()]
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
