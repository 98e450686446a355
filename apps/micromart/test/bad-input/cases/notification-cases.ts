import { randomUUID } from 'node:crypto'
import { bad, type CasesByRoute } from '../case.ts'
import { cursorOf } from '../nasty.ts'
import { listCases } from './lists.ts'

const INVALID = '400 request.invalid'

const days = ['2026-02-31', '2026-02-30', '0000-01-01', '2026-13-01', '2026-00-10', '+026-01-01', '2026-1-1']
const noPlaces = [
  ...days.map((day) => [`${day}T00:00:00.000Z`, randomUUID()]),
  ['2026-01-01T25:00:00.000Z', 'x'],
  ['2026-01-01', 'x'],
  ['now', 'x'],
  ['infinity', 'x'],
  ['', ''],
  ['2026-01-01T00:00:00.000Z', 'a\u0000b'],
]

export const notificationCases: CasesByRoute = {
  'GET /api/v1/mailbox': {
    good: () => ({ path: '/api/v1/mailbox?to=nobody@example.com' }),
    accepted: 200,
    special: () => [
      ...listCases('/api/v1/mailbox'),
      ...noPlaces.map((place) =>
        bad(`after ${place[0]}`, { path: `/api/v1/mailbox?after=${cursorOf(place)}` }, '400 request.bad-cursor'),
      ),
      ...['to=%00', `to=${'x'.repeat(321)}`, 'to=a&to=b', 'to[$ne]=x'].map((query) =>
        bad(`?${query.slice(0, 20)}`, { path: `/api/v1/mailbox?${query}` }, INVALID),
      ),
    ],
  },
  'GET /mailbox': {
    good: () => ({ path: '/mailbox?to=nobody@example.com' }),
    accepted: 200,
    special: () =>
      ['to=%00', 'mail=%00', `mail=${'x'.repeat(321)}`, 'to=a&to=b', 'x=%3Cscript%3E', '__proto__=x'].map((query) =>
        bad(`?${query.slice(0, 20)}`, { path: `/mailbox?${query}` }, INVALID),
      ),
  },
}
