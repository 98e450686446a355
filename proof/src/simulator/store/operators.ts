import { compare, notSimulated, type SqlType, textOf, type Value } from './values.ts'

/** What an operator answers, given two values that are not NULL. */
export interface Operator {
  readonly type: (left: SqlType, right: SqlType) => SqlType
  readonly apply: (left: Value, right: Value) => Value
}

export const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}

const arithmetic = (apply: (left: number, right: number) => number): Operator => ({
  type: (left, right) =>
    [left, right].find((type) => ['timestamptz', 'numeric', 'int8', 'interval'].includes(type)) ?? left,
  apply: (left, right) => apply(Number(left), Number(right)),
})
const jsonField = (json: Value, key: Value): unknown => {
  const value = JSON.parse(json as string) as Record<string, unknown> | null
  return value?.[key as string] ?? null
}

const operators: Readonly<Record<string, Operator>> = {
  '+': arithmetic((left, right) => left + right),
  '-': arithmetic((left, right) => left - right),
  '*': arithmetic((left, right) => left * right),
  '/': arithmetic((left, right) => Math.trunc(left / right)),
  '%': arithmetic((left, right) => left % right),
  '||': {
    type: (left) => (left.endsWith('[]') ? left : 'text'),
    apply: (left, right) => (Array.isArray(left) ? left.concat(right) : textOf(left) + textOf(right)),
  },
  '->': {
    type: () => 'json',
    apply: (json, key) => {
      const value = jsonField(json, key)
      return value === null ? null : JSON.stringify(value)
    },
  },
  '->>': {
    type: () => 'text',
    apply: (json, key) => {
      const value = jsonField(json, key)
      return value === null ? null : textOf(value)
    },
  },
  '~': { type: () => 'bool', apply: (text, pattern) => new RegExp(pattern as string).test(textOf(text)) },
  '~~': { type: () => 'bool', apply: (text, pattern) => likePattern(pattern as string).test(textOf(text)) },
  '<@': {
    type: () => 'bool',
    apply: (part, whole) => (part as readonly Value[]).every((item) => (whole as readonly Value[]).includes(item)),
  },
}

const likePattern = (pattern: string) =>
  new RegExp(
    `^${pattern
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('%', '.*')
      .replaceAll('_', '.')}$`,
    's',
  )

/** @throws SqlError for an operator that is not known here */
export function operatorOf(name: string): Operator {
  const holds = comparisons[name]
  const operator: Operator | undefined = holds ? comparison(holds) : operators[name]
  if (!operator) throw notSimulated(`operator ${name}`)
  return operator
}

const comparison = (holds: (order: number) => boolean): Operator => ({
  type: () => 'bool',
  apply: (a, b) => {
    const order = compare(a, b)
    return order === null ? null : holds(order)
  },
})
