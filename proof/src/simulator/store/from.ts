import { type Node, stringsOf, typeNameOf, unwrap } from './ast.ts'
import { type Catalogue, type Execution, type ResultColumn, tableOf } from './execution.ts'
import type { Expression, Frame, Item, Scope, Source, Subquery } from './expression.ts'
import { compileExpression } from './expressions.ts'
import { rowFunctions } from './functions.ts'
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
  /** Compiles a query inside another one. */
  readonly query: (select: Node, outer: Scope | undefined) => Subquery
}

export const scopeOf = (compiler: Compiler, sources: readonly Source[], outer?: Scope): Scope => ({
  sources,
  ...(outer ? { outer } : {}),
  subquery: (select, scope) => compiler.query(unwrap(select)[1], scope),
})

const executionOf = (frame: Frame) => frame.around as Execution

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
  const { columns, rows } = compiler.query(unwrap(subquery)[1], outer)
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
