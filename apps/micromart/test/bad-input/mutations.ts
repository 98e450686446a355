import { HALF_A_PAIR, NUL } from './nasty.ts'
import { written } from './wire.ts'

/** A body with one thing wrong; `what` says which, such as `/variants/0/sku = null`. */
export interface Mutation {
  readonly what: string
  readonly body: unknown
}

const LONG = 'x'.repeat(70_000)

/** Of another type, or beyond every limit, or unprintable. */
const wrongStrings = [1, 1.5, true, null, {}, [], ['x'], '', NUL, HALF_A_PAIR, LONG]
const wrongNumbers = ['1', '', 'NaN', true, null, {}, [], [1], 1.5, -1, 1e21, '1e999', '-1e999', '9007199254740993']
const wrongFlags = ['true', 1, 0, null, {}, []]

/** Every way in which one part of a well-formed body can be wrong. */
export function mutationsOf(body: unknown, pointer = ''): readonly Mutation[] {
  if (Array.isArray(body))
    return [...replaced(pointer, wrongArrays(body)), ...inside(Object.entries(body), body, pointer)]
  if (typeof body === 'object' && body !== null) return ofObject(body as Record<string, unknown>, pointer)
  if (typeof body === 'number') return replaced(pointer, wrongNumbers.map(asWritten))
  if (typeof body === 'boolean') return replaced(pointer, wrongFlags)
  return replaced(pointer, wrongStrings)
}

/** Numbers that JavaScript cannot hold go onto the wire as they are spelled. */
const asWritten = (value: unknown) =>
  typeof value === 'string' && /^-?\d{2,}$|^-?1e999$/.test(value) ? written(value) : value

const wrongArrays = (array: readonly unknown[]) => [
  null,
  true,
  'x',
  1,
  {},
  [null],
  [[]],
  [{}],
  Array(2_000).fill(array[0]),
]

function ofObject(object: Record<string, unknown>, pointer: string): readonly Mutation[] {
  const missing = Object.keys(object).map((name) => {
    const { [name]: _, ...rest } = object
    return { what: `${pointer}/${name} missing`, body: rest }
  })
  const extra = ['id', 'role', 'total', '$where'].map((name) => ({
    what: `${pointer}/${name} added`,
    body: { ...object, [name]: 1 },
  }))
  const other = pointer === '' ? [] : replaced(pointer, [null, true, 'x', 1, [], [object]])
  return [...other, ...missing, ...extra, ...inside(Object.entries(object), object, pointer)]
}

const inside = (entries: readonly (readonly [string, unknown])[], whole: object, pointer: string) =>
  entries.flatMap(([name, value]) =>
    mutationsOf(value, `${pointer}/${name}`).map(({ what, body }) => ({ what, body: withPart(whole, name, body) })),
  )

const withPart = (whole: object, name: string, part: unknown) =>
  Array.isArray(whole) ? whole.with(Number(name), part) : { ...whole, [name]: part }

const replaced = (pointer: string, values: readonly unknown[]): readonly Mutation[] =>
  values.map((value) => ({ what: `${pointer} = ${named(value)}`, body: value }))

function named(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 12)}... (${text.length})` : text
}
