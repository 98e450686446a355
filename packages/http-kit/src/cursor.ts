import Type from 'typebox'
import { kitProblem } from './problem.ts'

/** `?limit=&after=` of every list; values stay text, as nothing is coerced. */
export const PageQuery = {
  limit: Type.Optional(
    Type.String({ pattern: '^([1-9][0-9]?|100)$', description: 'items per page, 1 to 100, default 20' }),
  ),
  after: Type.Optional(Type.String({ maxLength: 500, description: '`nextCursor` of the page before' })),
}

export const pageLimit = (limit: string | undefined): number => (limit === undefined ? 20 : Number(limit))

/** Cursors are opaque to clients; inside they are the sort key of the last item. */
export const encodeCursor = (key: readonly string[]): string => Buffer.from(JSON.stringify(key)).toString('base64url')

/** @throws ProblemError 400 when it is not a cursor of `length` parts */
export function decodeCursor(cursor: string | undefined, length: number): readonly string[] | undefined {
  if (cursor === undefined) return undefined
  const key = parse(cursor)
  if (Array.isArray(key) && key.length === length && key.every((part) => typeof part === 'string')) return key
  throw kitProblem('request.bad-cursor', 'The cursor is not one that this list gave out')
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
