import { type BadCase, bad, type Refusal } from '../case.ts'
import { badCursors, badLimits } from '../nasty.ts'

/** What every list is given in its query. */
export const listCases = (path: string, ...cursors: readonly Refusal[]): readonly BadCase[] => [
  ...badLimits.map((limit) => bad(`limit=${limit}`, { path: `${path}?limit=${limit}` }, '400 request.invalid')),
  ...badCursors.map((cursor) =>
    bad(
      `after=${cursor.slice(0, 30)}`,
      { path: `${path}?after=${cursor}` },
      '400 request.bad-cursor',
      ...cursors,
      '400 request.invalid',
    ),
  ),
  ...[
    'x=1',
    'limit[]=1',
    '__proto__=x',
    '__proto__[x]=1',
    'constructor=x',
    'LIMIT=1',
    'sort=price;DROP%20TABLE%20x',
    '$where=1',
  ].map((query) => bad(`?${query}`, { path: `${path}?${query}` }, '400 request.invalid')),
]
