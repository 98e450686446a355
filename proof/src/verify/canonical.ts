import { createHash } from 'node:crypto'

/** A row in one spelling: names sorted, instants in UTC, the same for equal rows wherever they come from. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

/** Rows by their key, in one spelling. */
export type State = ReadonlyMap<string, string>

/** A state as its log tells it and as it is stored. */
export interface Compared {
  readonly replayed: State
  readonly stored: State
}

export const stateOf = <Row>(rows: readonly Row[], keyOf: (row: Row) => string): State =>
  new Map(rows.map((row) => [keyOf(row), canonical(row)]))

/** SHA-256 over all rows in the order of their keys, hex. */
export function hashOf(state: State): string {
  const hash = createHash('sha256')
  for (const [key, row] of [...state].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${key}\n${row}\n`)
  return hash.digest('hex')
}

/** What the stored state says otherwise than its log, a sentence a row. */
export function differences(replayed: State, stored: State, name: string): readonly string[] {
  const keys = [...new Set([...replayed.keys(), ...stored.keys()])]
  return keys.flatMap((key) => {
    const [should, is] = [replayed.get(key), stored.get(key)]
    if (should === is) return []
    if (should === undefined) return [`${name} ${key} is stored, but its log knows nothing of it`]
    return is === undefined
      ? [`${name} ${key} is missing, its log says ${should}`]
      : [`${name} ${key} is stored as ${is}, its log says ${should}`]
  })
}
