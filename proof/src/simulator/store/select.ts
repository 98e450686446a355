import { type Node, stringsOf, typeNameOf, unwrap } from './ast.ts'
import { type Catalogue, type Execution, type ResultColumn, tableOf } from './execution.ts'
import {
  compileExpression,
  type Expression,
  type Frame,
  hasAggregate,
  type Item,
  type Scope,
  type Source,
  type Subquery,
} from './expressions.ts'
import { rowFunctions } from './functions.ts'
import { MustWait, type Tuple } from './tables.ts'
import { coerce, compare, notSimulated, SqlError, type Value } from './values.ts'

/** One entry of a FROM clause: its rows given the rows to its left, and what has to hold between them. */
export interface FromStep {
  readonly source: Source
  readonly items: (frame: Frame) => readonly Item[]
  readonly condition?: Expression
  /** LEFT JOIN: without a match one row of NULLs. */
  readonly optional?: boolean
  /** The table that a lock would fall on. */
  readonly table?: string
}

export interface Compiler {
  readonly catalogue: Catalogue
  /** WITH queries in sight, by name. */
  readonly named: ReadonlyMap<string, readonly ResultColumn[]>
}

const executionOf = (frame: Frame) => frame.around as Execution
const nothing: Frame['items'] = []

export const scopeOf = (compiler: Compiler, sources: readonly Source[], outer?: Scope): Scope => ({
  sources,
  ...(outer ? { outer } : {}),
  subquery: (select, scope) => compileSelect(unwrap(select)[1], compiler, scope),
})

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

interface From {
  readonly steps: FromStep[]
  readonly compiler: Compiler
  readonly outer: Scope | undefined
}

export function addFrom(node: Node, from: From): void {
  const [kind, fields] = unwrap(node)
  if (kind === 'RangeVar') from.steps.push(tableStep(fields, from.compiler))
  else if (kind === 'RangeFunction') from.steps.push(functionStep(fields, from))
  else if (kind === 'RangeSubselect') from.steps.push(subselectStep(fields, from))
  else if (kind === 'JoinExpr') addJoin(fields, from)
  else throw notSimulated(kind)
}

export function tableStep({ relname, alias }: Node, { catalogue, named }: Compiler): FromStep {
  const name: string = alias?.aliasname ?? relname
  const result = named.get(relname)
  if (result)
    return {
      source: { alias: name, columns: result },
      items: (frame) => (executionOf(frame).named.get(relname) ?? []).map((tuple) => ({ tuple })),
    }
  const definition = catalogue.get(relname)
  if (!definition) throw new SqlError('42P01', `relation "${relname}" does not exist`)
  return {
    source: { alias: name, columns: definition.columns },
    table: relname,
    items: (frame) => {
      const execution = executionOf(frame)
      const items: Item[] = []
      for (const row of execution.scan(tableOf(execution, relname))) {
        const tuple = execution.writes.visible(row)
        if (tuple) items.push({ tuple, row })
      }
      return items
    },
  }
}

function functionStep({ functions, alias, coldeflist }: Node, { steps, compiler, outer }: From): FromStep {
  const { FuncCall } = functions[0].List.items[0] as Node
  const name = stringsOf(FuncCall.funcname).at(-1) ?? ''
  const scope = scopeOf(
    compiler,
    steps.map(({ source }) => source),
    outer,
  )
  const args = ((FuncCall.args ?? []) as readonly Node[]).map((arg) => compileExpression(arg, scope))
  const given = (frame: Frame) => args.map(({ evaluate }) => evaluate(frame))
  if (name === 'json_to_recordset') return recordsetStep(alias.aliasname, coldeflist, given)
  if (name === 'to_tsquery')
    return {
      source: { alias: alias?.aliasname ?? name, columns: [] },
      items: () => {
        throw notSimulated('full-text search')
      },
    }
  const fn = rowFunctions[name]
  if (!fn) throw notSimulated(`function ${name} in FROM`)
  const types = fn.types(args.map(({ type }) => type))
  const names: readonly string[] = alias?.colnames
    ? stringsOf(alias.colnames)
    : types.map(() => alias?.aliasname ?? name)
  return {
    source: {
      alias: alias?.aliasname ?? name,
      columns: types.map((type, index) => ({ name: names[index] ?? name, type })),
    },
    items: (frame) => fn.call(given(frame)).map((tuple) => ({ tuple })),
  }
}

function recordsetStep(
  alias: string,
  definitions: readonly Node[],
  given: (frame: Frame) => readonly Value[],
): FromStep {
  const columns = definitions.map(({ ColumnDef }) => ({
    name: ColumnDef.colname as string,
    type: typeNameOf(ColumnDef.typeName),
  }))
  return {
    source: { alias, columns },
    items: (frame) =>
      (JSON.parse(given(frame)[0] as string) as readonly Record<string, unknown>[]).map((record) => ({
        tuple: columns.map(({ name, type }) => fieldOf(record[name], type)),
      })),
  }
}

const fieldOf = (value: unknown, type: string): Value =>
  value === undefined || value === null ? null : coerce(type === 'json' ? JSON.stringify(value) : value, type)

function subselectStep({ subquery, alias }: Node, { compiler, outer }: From): FromStep {
  const { columns, rows } = compileSelect(unwrap(subquery)[1], compiler, outer)
  return { source: { alias: alias.aliasname, columns }, items: (frame) => rows(frame).map((tuple) => ({ tuple })) }
}

function addJoin({ jointype, larg, rarg, quals, usingClause }: Node, from: From): void {
  if (jointype !== 'JOIN_INNER' && jointype !== 'JOIN_LEFT') throw notSimulated(jointype)
  addFrom(larg, from)
  const left = from.steps.map(({ source }) => source)
  addFrom(rarg, from)
  const step = from.steps.pop() as FromStep
  const scope = scopeOf(from.compiler, [...left, step.source], from.outer)
  const condition = usingClause
    ? usingCondition(stringsOf(usingClause), step.source.alias, scope)
    : quals && compileExpression(quals, scope)
  from.steps.push({ ...step, ...(condition ? { condition } : {}), optional: jointype === 'JOIN_LEFT' })
}

function usingCondition(names: readonly string[], right: string, scope: Scope): Expression {
  const reference = (...path: string[]) =>
    compileExpression({ ColumnRef: { fields: path.map((sval) => ({ String: { sval } })) } }, scope)
  const pairs = names.map((name) => [reference(name), reference(right, name)] as const)
  return {
    type: 'bool',
    evaluate: (frame) => pairs.every(([a, b]) => compare(a.evaluate(frame), b.evaluate(frame)) === 0),
  }
}

/** Every combination of rows that fits, left to right. */
export function product(steps: readonly FromStep[], base: Frame, where: Expression | undefined): readonly Frame[] {
  let frames: readonly Frame[] = [base]
  for (const step of steps) frames = frames.flatMap((frame) => extended(frame, step))
  return where ? frames.filter((frame) => where.evaluate(frame) === true) : frames
}

function extended(frame: Frame, { items, condition, optional, source }: FromStep): readonly Frame[] {
  const all = items(frame).map((item) => ({ ...frame, items: [...frame.items, item] }))
  const fitting = condition ? all.filter((candidate) => condition.evaluate(candidate) === true) : all
  if (fitting.length > 0 || !optional) return fitting
  return [{ ...frame, items: [...frame.items, { tuple: source.columns.map(() => null) }] }]
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
