import { bad, type CasesByRoute } from '../case.ts'

const days = [
  'x',
  '',
  '2026-02-30',
  '2026-13-01',
  '0000-01-01',
  '0000-12-31',
  '9999-99-99',
  '2026-1-1',
  'today',
  'infinity',
  '%00',
  '-1',
  '1e9',
  "'--",
]

export const analyticsCases: CasesByRoute = {
  'GET /api/v1/analytics/sales': {
    good: () => ({ path: '/api/v1/analytics/sales' }),
    accepted: 200,
    special: () => [
      ...['from', 'to'].flatMap((end) =>
        days.map((day) =>
          bad(`${end}=${day}`, { path: `/api/v1/analytics/sales?${end}=${day}` }, '400 analytics.bad-period'),
        ),
      ),
      ...['from=2026-02-01&to=2026-01-01', 'from=2020-01-01&to=2026-01-01', 'from=0000-12-01&to=0000-12-31'].map(
        (query) => bad(`?${query}`, { path: `/api/v1/analytics/sales?${query}` }, '400 analytics.bad-period'),
      ),
      ...[
        'from=2026-01-01&from=2026-01-02',
        'from[]=2026-01-01',
        'limit=1',
        'to=2026-01-01%20',
        '__proto__=x',
        'from=2026-01-01T00:00:00Z',
      ].map((query) => bad(`?${query}`, { path: `/api/v1/analytics/sales?${query}` }, '400 request.invalid')),
    ],
  },
}
