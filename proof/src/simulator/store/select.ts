import { type Node, stringsOf, unwrap } from './ast.ts'
import { type Execution, tableOf } from './execution.ts'
import type { Expression, Frame, Scope, Subquery } from './expression.ts'
import { compileExpression, hasAggregate } from './expressions.ts'
import { addFrom, type Compiler, type FromStep, product, scopeOf } from './from.ts'
import { rowFunctions } from './functions.ts'
import { MustWait, type Tuple } from './tables.ts'
import { compare, notSimulated, type Value } from './values.ts'

const executionOf = (frame: Frame) => frame.around as Execution
const nothing: Frame['items'] = []

export function compileSelect(written: Node, compiler: Compiler, outer?: Scope): Subquery {
  const node = withRowsInFrom(written)
  if (node['withClause']) throw notSimulated('WITH inside a query')
  if (node['op'] === 'SETOP_UNION') return compileUnion(node, compiler, outer)
  if (node['valuesLists']) return compileValues(node['valuesLists'], compiler, outer)
  const steps: FromStep[] = []
  for (const item of node['fromClause'] ?? []) addFrom(item, { steps, compiler, outer })
  const sources = steps.map(({ source }) => source)
  const scope = scopeOf(compiler, sources, outer)
  const targets = compileTargets(node['targetList'] ?? [], scope)
  const columns = targets.map(({ name, expression: { type } }) => ({ name, type: type === 'unknown' ? 'text' : type }))
  const where = node['whereClause'] && compileExpression(node['whereClause'], scope)
  const group = compileGrouping(node, scope, targets)
  const order = compileOrder(node['sortClause'] ?? [], scope, targets)
  const lock = compileLock(node['lockingClause'], steps)
  const limit = node['limitCount'] && compileExpression(node['limitCount'], scope)
  const isDistinct = node['distinctClause'] !== undefined
  const mostOf = (base: Frame) => (limit?.evaluate(base) as number | null | undefined) ?? Number.POSITIVE_INFINITY

  return {
    columns,
    rows: (outerFrame) => {
      const { parameters, around } = outerFrame
      const base: Frame = { items: nothing, parameters, around, outer: outerFrame }
      const most = mostOf(base)
      const found = group(product(steps, base, where), base)
      const frames = lock(order(found), most)
      const rows = frames.map((frame) => targets.map(({ expression }) => expression.evaluate(frame)))
      return (isDistinct ? distinct(rows) : rows).slice(0, most)
    },
  }
}

const distinct = (rows: readonly Tuple[]) => [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()]

/** `SELECT rows(x)` means `SELECT r FROM rows(x) AS r`. */
function withRowsInFrom(node: Node): Node {
  const [target] = (node['targetList'] ?? []) as readonly Node[]
  const call = target?.['ResTarget'].val.FuncCall
  if (node['fromClause'] || !call || !rowFunctions[stringsOf(call.funcname).at(-1) ?? '']) return node
  const column = { ResTarget: { val: { ColumnRef: { fields: [{ String: { sval: 'rows' } }] } } } }
  const source = {
    RangeFunction: { functions: [{ List: { items: [{ FuncCall: call }] } }], alias: { aliasname: 'rows' } },
  }
  return { ...node, targetList: [column], fromClause: [source] }
}

function compileUnion(node: Node, compiler: Compiler, outer?: Scope): Subquery {
  if (!node['all']) throw notSimulated('UNION without ALL')
  const parts = [node['larg'], node['rarg']].map((part) => compileSelect(part, compiler, outer))
  if (node['sortClause'] || node['limitCount']) throw notSimulated('ORDER BY or LIMIT of a UNION')
  return { columns: parts[0]?.columns ?? [], rows: (frame) => parts.flatMap(({ rows }) => rows(frame)) }
}

function compileValues(lists: readonly Node[], compiler: Compiler, outer?: Scope): Subquery {
  const scope = scopeOf(compiler, [], outer)
  const rows = lists.map(({ List }) => (List.items as readonly Node[]).map((item) => compileExpression(item, scope)))
  return {
    columns: (rows[0] ?? []).map(({ type }, index) => ({ name: `column${index + 1}`, type })),
    rows: (frame) => rows.map((row) => row.map(({ evaluate }) => evaluate({ ...frame, items: nothing }))),
  }
}

export interface Target {
  readonly name: string
  readonly expression: Expression
}

export function compileTargets(list: readonly Node[], scope: Scope): readonly Target[] {
  return list.flatMap(({ ResTarget: { name, val } }) => {
    const path = val.ColumnRef?.fields as readonly Node[] | undefined
    if (path?.at(-1)?.['A_Star']) return starTargets(path.length > 1 ? stringsOf(path)[0] : undefined, scope)
    return [{ name: name ?? nameOf(val), expression: compileExpression(val, scope) }]
  })
}

const starTargets = (alias: string | undefined, { sources }: Scope): readonly Target[] =>
  sources.flatMap((source, at) =>
    alias !== undefined && source.alias !== alias
      ? []
      : source.columns.map(({ name, type }, index) => ({
          name,
          expression: { type, evaluate: (frame: Frame) => frame.items[at]?.tuple[index] ?? null },
        })),
  )

function nameOf(node: Node): string {
  const [kind, fields] = unwrap(node)
  if (kind === 'ColumnRef') return stringsOf(fields['fields']).at(-1) ?? ''
  if (kind === 'FuncCall') return stringsOf(fields['funcname']).at(-1) ?? ''
  if (kind === 'TypeCast') return nameOf(fields['arg'])
  return kind === 'CoalesceExpr' ? 'coalesce' : kind === 'CaseExpr' ? 'case' : '?column?'
}

function compileGrouping(node: Node, scope: Scope, targets: readonly Target[]) {
  const clauses: readonly Node[] = node['groupClause'] ?? []
  if (clauses.length === 0 && !hasAggregate(node['targetList'])) return (frames: readonly Frame[]) => frames
  const keys = clauses.map((clause) => outputOr(clause, scope, targets))
  const having = node['havingClause'] && compileExpression(node['havingClause'], scope)
  return (frames: readonly Frame[], base: Frame): readonly Frame[] => {
    const groups = new Map<string, Frame[]>()
    if (keys.length === 0) groups.set('', [])
    for (const frame of frames) {
      const key = JSON.stringify(keys.map(({ evaluate }) => evaluate(frame)))
      const group = groups.get(key)
      if (group) group.push(frame)
      else groups.set(key, [frame])
    }
    const grouped = [...groups.values()].map((group) => ({ ...(group[0] ?? base), group }))
    return having ? grouped.filter((frame) => having.evaluate(frame) === true) : grouped
  }
}

/** GROUP BY and ORDER BY may name an output column, or give its number. */
function outputOr(node: Node, scope: Scope, targets: readonly Target[]): Expression {
  const number = node['A_Const']?.ival?.ival as number | undefined
  const path = stringsOf(node['ColumnRef']?.fields)
  const target =
    number === undefined ? targets.find(({ name }) => path.length === 1 && name === path[0]) : targets[number - 1]
  return target?.expression ?? compileExpression(node, scope)
}

function compileOrder(clauses: readonly Node[], scope: Scope, targets: readonly Target[]) {
  if (clauses.length === 0) return (frames: readonly Frame[]) => frames
  const keys = clauses.map(({ SortBy: { node, sortby_dir, sortby_nulls } }) => {
    const descending = sortby_dir === 'SORTBY_DESC'
    const nullsFirst = sortby_nulls === 'SORTBY_NULLS_DEFAULT' ? descending : sortby_nulls === 'SORTBY_NULLS_FIRST'
    return { expression: outputOr(node, scope, targets), sign: descending ? -1 : 1, nulls: nullsFirst ? -1 : 1 }
  })
  const between = (a: Frame, b: Frame) => {
    for (const key of keys) {
      const order = orderBy(key, key.expression.evaluate(a), key.expression.evaluate(b))
      if (order !== 0) return order
    }
    return 0
  }
  return (frames: readonly Frame[]) => frames.toSorted(between)
}

function orderBy({ sign, nulls }: { sign: number; nulls: number }, left: Value, right: Value): number {
  if (left === null || right === null) return left === right ? 0 : left === null ? nulls : -nulls
  return sign * (compare(left, right) ?? 0)
}

/** Locks in the order of the result, no more rows than the limit wants. */
function compileLock(clauses: readonly Node[] | undefined, steps: readonly FromStep[]) {
  if (!clauses) return (frames: readonly Frame[]) => frames
  const [{ LockingClause: clause }] = clauses as readonly [Node]
  const names = ((clause.lockedRels ?? []) as readonly Node[]).map(
    ({ RangeVar }) => RangeVar.alias?.aliasname ?? RangeVar.relname,
  )
  const locked = [...steps.entries()].filter(
    ([, { table, source }]) => table && (names.length === 0 || names.includes(source.alias)),
  )
  const skips = clause.waitPolicy === 'LockWaitSkip'
  const lockAll = (frame: Frame) => {
    const execution = executionOf(frame)
    for (const [at, { table = '' }] of locked) {
      const row = frame.items[at]?.row
      if (row) execution.writes.lock(tableOf(execution, table), row)
    }
    return true
  }
  const tryLock = (frame: Frame) => {
    try {
      return lockAll(frame)
    } catch (error) {
      if (error instanceof MustWait && skips) return false
      throw error
    }
  }
  return (frames: readonly Frame[], most: number) => {
    const taken: Frame[] = []
    for (const frame of frames) if (taken.length < most && tryLock(frame)) taken.push(frame)
    return taken
  }
}
