import { type Expression, typed } from './expression.ts'
import { comparisons, operatorOf } from './operators.ts'
import { compare, notSimulated, type Value } from './values.ts'

/** AND, OR and NOT with SQL's unknown. */
export function logic(boolop: string, values: readonly Expression[]): Expression {
  if (boolop === 'NOT_EXPR') {
    const [value] = values
    return typed('bool', (frame) => {
      const result = value?.evaluate(frame)
      return result === null ? null : !result
    })
  }
  const decisive = boolop === 'OR_EXPR'
  return typed('bool', (frame) => {
    let unknown = false
    for (const { evaluate } of values) {
      const value = evaluate(frame)
      if (value === null) unknown = true
      else if (Boolean(value) === decisive) return decisive
    }
    return unknown ? null : !decisive
  })
}

export const negative = ({ type, evaluate }: Expression) =>
  typed(type, (frame) => {
    const value = evaluate(frame)
    return value === null ? null : -(value as number)
  })

export const distinct = (wanted: boolean, left: Expression, right: Expression) =>
  typed('bool', (frame) => {
    const [a, b] = [left.evaluate(frame), right.evaluate(frame)]
    return (a === null || b === null ? a !== b : compare(a, b) !== 0) === wanted
  })

export function binary(name: string, left: Expression, right: Expression): Expression {
  const { type, apply } = operatorOf(name)
  return typed(type(left.type, right.type), (frame) => {
    const a = left.evaluate(frame)
    if (a === null) return null
    const b = right.evaluate(frame)
    return b === null ? null : apply(a, b)
  })
}

export function range(
  kind: string,
  { operator, left, items }: { operator: string; left: Expression; items: readonly Expression[] },
): Expression {
  if (kind === 'AEXPR_BETWEEN') {
    const [low, high] = items as [Expression, Expression]
    return logic('AND_EXPR', [binary('>=', left, low), binary('<=', left, high)])
  }
  const isIn = logic(
    'OR_EXPR',
    items.map((item) => binary('=', left, item)),
  )
  return operator === '=' ? isIn : logic('NOT_EXPR', [isIn])
}

export function quantified(
  operator: string,
  any: boolean,
  [left, array]: readonly [Expression, Expression],
): Expression {
  const holds = comparisons[operator]
  if (!holds) throw notSimulated(`${operator} ANY`)
  return typed('bool', (frame) => {
    const value = left.evaluate(frame)
    const items = array.evaluate(frame) as readonly Value[] | null
    if (value === null || items === null) return null
    const test = (item: Value) => {
      const order = compare(value, item)
      return order !== null && holds(order)
    }
    return any ? items.some(test) : items.every(test)
  })
}
