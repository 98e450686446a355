import { createHash } from 'node:crypto'
import { compare, notSimulated, type SqlType, textOf, type Value } from './values.ts'

/** What a function may ask of the session that calls it. */
export interface Surroundings {
  readonly now: () => number
  /** False when another session has it. */
  readonly tryLock: (key: number, scope: 'session' | 'transaction') => boolean
  /** Waits for the lock. */
  readonly lock: (key: number, scope: 'session' | 'transaction') => void
  readonly unlock: (key: number) => boolean
}

/** Any NULL among the arguments is answered with NULL. */
interface SqlFunction {
  readonly type: SqlType | ((types: readonly SqlType[]) => SqlType)
  readonly call: (values: readonly Value[], around: Surroundings) => Value
}

const parsed = (json: Value): Value => JSON.parse(json as string) as Value
const first = (types: readonly SqlType[]) => types[0] ?? 'unknown'

export const functions: Readonly<Record<string, SqlFunction>> = {
  now: { type: 'timestamptz', call: (_, { now }) => now() },
  clock_timestamp: { type: 'timestamptz', call: (_, { now }) => now() },
  lower: { type: 'text', call: ([text]) => textOf(text).toLowerCase() },
  upper: { type: 'text', call: ([text]) => textOf(text).toUpperCase() },
  length: { type: 'int4', call: ([text]) => [...textOf(text)].length },
  abs: { type: first, call: ([value]) => Math.abs(value as number) },
  cardinality: { type: 'int4', call: ([array]) => (array as readonly Value[]).length },
  hashtextextended: {
    type: 'int8',
    call: ([text]) => createHash('sha256').update(textOf(text)).digest().readUIntBE(0, 6),
  },
  to_char: {
    type: 'text',
    call: ([date, format]) => {
      if (format !== 'YYYY-MM-DD') throw notSimulated(`to_char with ${textOf(format)}`)
      return textOf(date).slice(0, 10)
    },
  },
  date_trunc: {
    type: 'timestamptz',
    call: ([field, at]) => {
      if (field !== 'milliseconds') throw notSimulated(`date_trunc to ${textOf(field)}`)
      return at
    },
  },
  repeat: { type: 'text', call: ([text, times]) => textOf(text).repeat(times as number) },
  timezone: { type: 'timestamptz', call: ([, at]) => at },
  pg_try_advisory_lock: { type: 'bool', call: ([key], { tryLock }) => tryLock(Number(key), 'session') },
  pg_try_advisory_xact_lock: { type: 'bool', call: ([key], { tryLock }) => tryLock(Number(key), 'transaction') },
  pg_advisory_lock: { type: 'void', call: ([key], { lock }) => lock(Number(key), 'session') ?? '' },
  pg_advisory_xact_lock: { type: 'void', call: ([key], { lock }) => lock(Number(key), 'transaction') ?? '' },
  pg_advisory_unlock: { type: 'bool', call: ([key], { unlock }) => unlock(Number(key)) },
  // Full-text search is not simulated: columns of words are kept as text, and whoever searches is told so.
  to_tsvector: { type: 'tsvector', call: (values) => textOf(values.at(-1)) },
  setweight: { type: 'tsvector', call: ([words]) => words },
}

/** Functions that make rows: each value of the answer is one row's columns. */
export const rowFunctions: Readonly<
  Record<
    string,
    {
      readonly types: (types: readonly SqlType[]) => readonly SqlType[]
      readonly call: (values: readonly Value[]) => readonly (readonly Value[])[]
    }
  >
> = {
  unnest: {
    types: (types) => types.map((type) => type.replace(/\[\]$/, '')),
    call: (arrays) => {
      const longest = Math.max(0, ...arrays.map((array) => (array as readonly Value[] | null)?.length ?? 0))
      return Array.from({ length: longest }, (_, row) =>
        arrays.map((array) => (array as readonly Value[] | null)?.[row] ?? null),
      )
    },
  },
  generate_series: {
    types: () => ['int4'],
    call: ([from, to]) =>
      Array.from({ length: Math.max(0, (to as number) - (from as number) + 1) }, (_, step) => [
        (from as number) + step,
      ]),
  },
  json_array_elements: {
    types: () => ['json'],
    call: ([json]) => (json === null ? [] : (parsed(json) as readonly Value[]).map((item) => [JSON.stringify(item)])),
  },
  json_array_elements_text: {
    types: () => ['text'],
    call: ([json]) =>
      json === null ? [] : (parsed(json) as readonly Value[]).map((item) => [item === null ? null : textOf(item)]),
  },
}

interface Aggregate {
  readonly type: (types: readonly SqlType[]) => SqlType
  /** `rows` holds the arguments of each row; for `count(*)` they are empty. */
  readonly over: (rows: readonly (readonly Value[])[]) => Value
}

const known = (rows: readonly (readonly Value[])[]) => rows.map(([value]) => value).filter((value) => value !== null)
const sumType = (types: readonly SqlType[]) => (types[0] === 'int8' || types[0] === 'numeric' ? 'numeric' : 'int8')
const best = (rows: readonly (readonly Value[])[], sign: number): Value =>
  known(rows).reduce((a, b) => (a === undefined || sign * (compare(b, a) ?? 0) > 0 ? b : a), undefined) ?? null

export const aggregates: Readonly<Record<string, Aggregate>> = {
  count: {
    type: () => 'int8',
    over: (rows) => rows.filter((values) => values.length === 0 || values[0] !== null).length,
  },
  sum: {
    type: sumType,
    over: (rows) => {
      const values = known(rows) as number[]
      return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0)
    },
  },
  max: { type: first, over: (rows) => best(rows, 1) },
  min: { type: first, over: (rows) => best(rows, -1) },
  bool_and: { type: () => 'bool', over: (rows) => (rows.length === 0 ? null : known(rows).every(Boolean)) },
  bool_or: { type: () => 'bool', over: (rows) => (rows.length === 0 ? null : known(rows).some(Boolean)) },
  array_agg: {
    type: (types) => `${first(types)}[]`,
    over: (rows) => (rows.length === 0 ? null : rows.map(([value]) => value)),
  },
  string_agg: {
    type: () => 'text',
    over: (rows) => (rows.length === 0 ? null : rows.map(([value]) => textOf(value)).join(textOf(rows[0]?.[1] ?? ''))),
  },
}
