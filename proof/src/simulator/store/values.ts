/**
 * SQL values as JavaScript keeps them here: integers and `numeric` as safe integers, `timestamptz` and intervals as milliseconds, dates as
 * `YYYY-MM-DD`, JSON as its text, arrays as arrays, NULL as null. Results leave in the shapes of the `pg` driver.
 */
export type Value = unknown
/** A base type such as `int4` or `timestamptz`; an array's ends with `[]`; `unknown` is a parameter or literal that nothing has typed yet. */
export type SqlType = string

/** An error as the server names it: a SQLSTATE, and the constraint that said no. */
export class SqlError extends Error {
  readonly code: string
  readonly constraint: string | undefined
  constructor(code: string, message: string, { constraint, cause }: { constraint?: string; cause?: unknown } = {}) {
    super(message, { cause })
    this.name = 'error'
    this.code = code
    this.constraint = constraint
  }
}

export const notSimulated = (what: string): SqlError =>
  new SqlError('0A000', `${what} is not simulated: add it to proof/src/simulator/store`)

const INT4_MAX = 2_147_483_647
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const malformed = (type: SqlType, value: Value, cause?: unknown) =>
  new SqlError('22P02', `invalid input syntax for type ${type}: ${JSON.stringify(value)}`, { cause })

/** Makes a value fit a type, as a cast or an assignment to a column would. @throws SqlError 22P02, 22003 */
export function coerce(value: Value, type: SqlType): Value {
  if (value === null || value === undefined) return null
  if (type.endsWith('[]')) return coerceArray(value, type.slice(0, -2))
  const convert = coercions[type]
  return convert ? convert(value) : value
}

function coerceArray(value: Value, element: SqlType): Value {
  if (!Array.isArray(value)) throw malformed(`${element}[]`, value)
  return value.map((item) => coerce(item, element))
}

const coercions: Readonly<Record<SqlType, (value: Value) => Value>> = {
  int4: (value) => integer(value, 'int4', INT4_MAX),
  int8: (value) => integer(value, 'int8', Number.MAX_SAFE_INTEGER),
  numeric: (value) => number(value),
  float4: (value) => number(value),
  float8: (value) => number(value),
  bool: (value) => (typeof value === 'string' ? value === 't' || value === 'true' : Boolean(value)),
  text: (value) => textOf(value),
  uuid: (value) => {
    if (typeof value !== 'string' || !UUID.test(value)) throw malformed('uuid', value)
    return value.toLowerCase()
  },
  timestamptz: (value) => instant(value),
  date: (value) => (typeof value === 'number' ? new Date(value).toISOString().slice(0, 10) : String(value)),
  json: (value) => jsonText(value),
  jsonb: (value) => jsonText(value),
  interval: (value) => (typeof value === 'string' ? interval(value) : value),
}

function integer(value: Value, type: SqlType, most: number): number {
  const result = Math.round(number(value))
  if (!Number.isSafeInteger(result) || Math.abs(result) > most)
    throw new SqlError('22003', `${JSON.stringify(value)} is out of range for type ${type}`)
  return result
}

function number(value: Value): number {
  const result =
    typeof value === 'boolean' ? Number(value) : typeof value === 'string' ? Number(value.trim() || Number.NaN) : value
  if (typeof result !== 'number' || Number.isNaN(result)) throw malformed('numeric', value)
  return result
}

function instant(value: Value): number {
  const ms = value instanceof Date ? value.getTime() : typeof value === 'number' ? value : Date.parse(String(value))
  if (Number.isNaN(ms)) throw malformed('timestamptz', value)
  return ms
}

function jsonText(value: Value): string {
  if (typeof value !== 'string') return JSON.stringify(value)
  try {
    JSON.parse(value)
    return value
  } catch (error) {
    throw malformed('json', value, error)
  }
}

const UNIT_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

function interval(text: string): number {
  const [, count, unit = ''] = /^(-?\d+) ([a-z]+?)s?$/.exec(text.trim()) ?? []
  const ms = UNIT_MS[unit]
  if (count === undefined || ms === undefined) throw notSimulated(`interval '${text}'`)
  return Number(count) * ms
}

export function textOf(value: Value): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** What the client sends, as the engine keeps it: a Date is an instant. */
export const fromClient = (value: Value): Value =>
  value instanceof Date ? value.getTime() : value === undefined ? null : value

/** What the `pg` driver makes of a result: 64-bit integers and `numeric` come as text, instants as Date. */
export function toClient(value: Value, type: SqlType): Value {
  if (value === null || value === undefined) return null
  switch (type) {
    case 'int8':
    case 'numeric':
      return String(value)
    case 'timestamptz':
      return new Date(value as number)
    case 'date': {
      const [year = 0, month = 1, day = 1] = String(value).split('-').map(Number)
      return new Date(year, month - 1, day)
    }
    case 'json':
    case 'jsonb':
      return JSON.parse(value as string) as Value
    case 'text[]':
    case 'int4[]':
      return [...(value as readonly Value[])]
    default:
      return value
  }
}

/** Byte order for text (the databases are made with the C locale), numbers by size, rows by their first difference; NULL is unknown. */
export function compare(a: Value, b: Value): number | null {
  if (a === null || b === null) return null
  if (Array.isArray(a) && Array.isArray(b)) return compareRows(a, b)
  if (typeof a === typeof b) return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0
  return compareMixed(a, b)
}

/** A parameter that nobody typed meets a column: the column's kind decides. */
function compareMixed(a: Value, b: Value): number | null {
  if (typeof a === 'number') return compare(a, typeof b === 'string' && /^-?\d+$/.test(b) ? Number(b) : instant(b))
  if (typeof b === 'number') return -(compareMixed(b, a) ?? 0)
  return compare(textOf(a), textOf(b))
}

function compareRows(a: readonly Value[], b: readonly Value[]): number | null {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = compare(a[index] ?? null, b[index] ?? null)
    if (order !== 0) return order
  }
  return a.length - b.length
}
