import { type Node, stringsOf, typeNameOf, unwrap } from './ast.ts'
import { type Expression, type Frame, type Scope, typed } from './expression.ts'
import { aggregates, functions } from './functions.ts'
import { binary, distinct, logic, negative, quantified, range } from './operations.ts'
import { coerce, compare, notSimulated, SqlError, type SqlType, type Value } from './values.ts'

/** Compiles an expression once; what it does not know it refuses by name, so that nothing is ever simulated wrongly in silence. */
export function compileExpression(node: Node, scope: Scope): Expression {
  const [kind, fields] = unwrap(node)
  const compile = compilers[kind]
  if (!compile) throw notSimulated(kind)
  return compile(fields, scope)
}

type Compile = (fields: Node, scope: Scope) => Expression

const compilers: Readonly<Record<string, Compile>> = {
  ColumnRef: ({ fields }, scope) => columnReference(stringsOf(fields), scope),
  ParamRef: ({ number }) => typed('unknown', ({ parameters }) => parameters[number - 1] ?? null),
  A_Const: (fields) => constant(fields),
  TypeCast: ({ arg, typeName }, scope) => {
    const type = typeNameOf(typeName)
    const { evaluate } = compileExpression(arg, scope)
    return typed(type, (frame) => coerce(evaluate(frame), type))
  },
  A_Expr: (fields, scope) => operation(fields, scope),
  BoolExpr: ({ boolop, args }, scope) => logic(boolop, compileAll(args, scope)),
  NullTest: ({ arg, nulltesttype }, scope) => {
    const { evaluate } = compileExpression(arg, scope)
    const wanted = nulltesttype === 'IS_NULL'
    return typed('bool', (frame) => (evaluate(frame) === null) === wanted)
  },
  CoalesceExpr: ({ args }, scope) => {
    const values = compileAll(args, scope)
    return typed(values[0]?.type ?? 'unknown', (frame) => {
      for (const { evaluate } of values) {
        const value = evaluate(frame)
        if (value !== null) return value
      }
      return null
    })
  },
  MinMaxExpr: ({ op, args }, scope) => {
    const values = compileAll(args, scope)
    return typed(values[0]?.type ?? 'unknown', (frame) =>
      aggregates[op === 'IS_GREATEST' ? 'max' : 'min']?.over(values.map(({ evaluate }) => [evaluate(frame)])),
    )
  },
  CaseExpr: ({ args, defresult }, scope) => caseOf(args, defresult, scope),
  RowExpr: ({ args }, scope) => {
    const values = compileAll(args, scope)
    return typed('record', (frame) => values.map(({ evaluate }) => evaluate(frame)))
  },
  A_ArrayExpr: ({ elements = [] }, scope) => {
    const values = compileAll(elements, scope)
    return typed(`${values[0]?.type ?? 'text'}[]`, (frame) => values.map(({ evaluate }) => evaluate(frame)))
  },
  FuncCall: (fields, scope) => call(fields, scope),
  SubLink: (fields, scope) => subLink(fields, scope),
}

const compileAll = (nodes: readonly Node[], scope: Scope) => nodes.map((node) => compileExpression(node, scope))

/** Looks from the innermost query outwards. */
function columnReference(path: readonly string[], scope: Scope, depth = 0): Expression {
  const [table, name] = path.length === 2 ? path : [undefined, path[0]]
  for (const [at, source] of scope.sources.entries()) {
    if (table !== undefined && source.alias !== table) continue
    const index = source.columns.findIndex((column) => column.name === name)
    if (index < 0) continue
    const { type } = source.columns[index] as { type: SqlType }
    if (depth === 0) return typed(type, (frame) => frame.items[at]?.tuple[index] ?? null)
    return typed(type, (frame) => outwards(frame, depth).items[at]?.tuple[index] ?? null)
  }
  if (scope.outer) return columnReference(path, scope.outer, depth + 1)
  throw new SqlError('42703', `column "${path.join('.')}" does not exist`)
}

function outwards(frame: Frame, depth: number): Frame {
  let result = frame
  for (let step = 0; step < depth; step++) result = result.outer as Frame
  return result
}

function constant({ isnull, ival, fval, sval, boolval }: Node): Expression {
  const of = (type: SqlType, value: Value) => typed(type, () => value)
  if (isnull) return of('unknown', null)
  if (ival) return of('int4', ival.ival ?? 0)
  if (fval) return of(fval.fval.includes('.') ? 'numeric' : 'int8', Number(fval.fval))
  if (boolval) return of('bool', boolval.boolval ?? false)
  return of('unknown', sval.sval ?? '')
}

function operation({ kind, name, lexpr, rexpr }: Node, scope: Scope): Expression {
  const [operator = ''] = stringsOf(name)
  switch (kind) {
    case 'AEXPR_OP':
    case 'AEXPR_LIKE':
      return lexpr === undefined
        ? negative(compileExpression(rexpr, scope))
        : binary(operator, compileExpression(lexpr, scope), compileExpression(rexpr, scope))
    case 'AEXPR_IN':
    case 'AEXPR_BETWEEN':
      return range(kind, {
        operator,
        left: compileExpression(lexpr, scope),
        items: compileAll(rexpr.List.items, scope),
      })
    case 'AEXPR_OP_ANY':
    case 'AEXPR_OP_ALL':
      return quantified(operator, kind === 'AEXPR_OP_ANY', [
        compileExpression(lexpr, scope),
        compileExpression(rexpr, scope),
      ])
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT':
      return distinct(kind === 'AEXPR_DISTINCT', compileExpression(lexpr, scope), compileExpression(rexpr, scope))
    default:
      throw notSimulated(`${kind} ${operator}`)
  }
}

function caseOf(whens: readonly Node[], otherwise: Node | undefined, scope: Scope): Expression {
  const branches = whens.map(({ CaseWhen }) => ({
    condition: compileExpression(CaseWhen.expr, scope),
    result: compileExpression(CaseWhen.result, scope),
  }))
  const rest = otherwise && compileExpression(otherwise, scope)
  return typed(branches[0]?.result.type ?? 'unknown', (frame) => {
    const branch = branches.find(({ condition }) => condition.evaluate(frame) === true)
    return (branch ? branch.result : rest)?.evaluate(frame) ?? null
  })
}

function call(
  { funcname, args = [], agg_filter: filter, agg_star: star, agg_order: order }: Node,
  scope: Scope,
): Expression {
  const name = stringsOf(funcname).at(-1) ?? ''
  const values = compileAll(args, scope)
  const types = values.map(({ type }) => type)
  const aggregate = aggregates[name]
  if (aggregate) {
    if (order) throw notSimulated(`${name} with ORDER BY`)
    const condition = filter && compileExpression(filter, scope)
    return typed(aggregate.type(types), ({ group = [] }) => {
      const rows = condition ? group.filter((frame) => condition.evaluate(frame) === true) : group
      return aggregate.over(rows.map((frame) => (star ? [] : values.map(({ evaluate }) => evaluate(frame)))))
    })
  }
  const fn = functions[name]
  if (!fn) throw notSimulated(`function ${name}`)
  return typed(typeof fn.type === 'string' ? fn.type : fn.type(types), (frame) => {
    const given = values.map(({ evaluate }) => evaluate(frame))
    return given.includes(null) ? null : (fn.call(given, frame.around) ?? null)
  })
}

function subLink({ subLinkType, testexpr, subselect }: Node, scope: Scope): Expression {
  const query = scope.subquery(subselect, scope)
  const [column] = query.columns
  switch (subLinkType) {
    case 'EXISTS_SUBLINK':
      return typed('bool', (frame) => query.rows(frame).length > 0)
    case 'EXPR_SUBLINK':
      return typed(column?.type ?? 'unknown', (frame) => query.rows(frame)[0]?.[0] ?? null)
    case 'ARRAY_SUBLINK':
      return typed(`${column?.type ?? 'text'}[]`, (frame) => query.rows(frame).map(([value]) => value))
    case 'ANY_SUBLINK': {
      const left = compileExpression(testexpr, scope)
      return typed('bool', (frame) => {
        const value = left.evaluate(frame)
        return value !== null && query.rows(frame).some(([item]) => compare(value, item ?? null) === 0)
      })
    }
    default:
      throw notSimulated(subLinkType)
  }
}

export const hasAggregate = (node: unknown): boolean => {
  if (Array.isArray(node)) return node.some(hasAggregate)
  if (typeof node !== 'object' || node === null) return false
  return Object.entries(node).some(
    ([kind, fields]) =>
      (kind === 'FuncCall' && aggregates[stringsOf(fields.funcname).at(-1) ?? ''] !== undefined) ||
      (kind !== 'SubLink' && hasAggregate(fields)),
  )
}
