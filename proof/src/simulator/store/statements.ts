import { type Node, unwrap } from './ast.ts'
import { type Catalogue, type CompiledStatement, type Execution, type ResultColumn, tableOf } from './execution.ts'
import type { Frame, Item } from './expression.ts'
import { compileExpression } from './expressions.ts'
import { addFrom, type Compiler, type FromStep, product, scopeOf, tableStep } from './from.ts'
import { planInsert } from './insert.ts'
import { assigned, compileAssignments, compileReturning, definitionOf, executionOf, type Plan } from './plans.ts'
import { compileSelect } from './select.ts'
import type { Row, Table } from './tables.ts'
import { notSimulated } from './values.ts'

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
