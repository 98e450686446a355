import { bad, type CasesByRoute } from '../case.ts'
import { cursorOf, HALF_A_PAIR, NUL } from '../nasty.ts'
import { written } from '../wire.ts'
import { listCases } from './lists.ts'

const INVALID = '400 request.invalid'
const UNKNOWN = '404 inventory.unknown-sku'

export const inventoryCases: CasesByRoute = {
  'POST /api/v1/inventory/opening-stock': {
    good: ({ sku }) => ({
      path: '/api/v1/inventory/opening-stock',
      body: { items: [{ sku, quantity: 5 }], overwrite: true },
    }),
    accepted: 200,
    idempotent: true,
    harmless: { '/overwrite missing': 'it may be left out' },
    special: ({ sku }) => [
      bad('nothing', { body: { items: [] } }, INVALID),
      ...[-1, 1e9 + 1, 0.5, written('1e999'), '5', null].map((quantity) =>
        bad(`${quantity} pieces`, { body: { items: [{ sku, quantity }] } }, INVALID),
      ),
      bad('thousands of faults', { body: { items: Array(20_000).fill({}) } }, INVALID),
    ],
  },
  'GET /api/v1/inventory/:sku': {
    good: ({ sku }) => ({ path: `/api/v1/inventory/${sku}` }),
    accepted: 200,
    unknown: [UNKNOWN],
    special: () => [bad('an encoded slash', { path: '/api/v1/inventory/..%2f..%2fetc' }, UNKNOWN)],
  },
  'GET /api/v1/inventory/:sku/movements': {
    good: ({ sku }) => ({ path: `/api/v1/inventory/${sku}/movements` }),
    accepted: 200,
    unknown: [UNKNOWN],
    special: ({ sku }) => [
      ...listCases(`/api/v1/inventory/${sku}/movements`),
      ...['1;', '-1', '1e9', '0x1', '9'.repeat(30)].map((id) =>
        bad(
          `before ${id}`,
          { path: `/api/v1/inventory/${sku}/movements?after=${cursorOf([id])}` },
          '400 request.bad-cursor',
        ),
      ),
    ],
  },
  'POST /api/v1/inventory/:sku/adjustments': {
    good: ({ sku }) => ({ path: `/api/v1/inventory/${sku}/adjustments`, body: { quantity: -2, reason: 'broken' } }),
    accepted: 201,
    idempotent: true,
    unknown: [UNKNOWN, INVALID],
    harmless: { '/quantity = -1': 'pieces can be taken away' },
    special: () => [
      ...[0, -0, 1_000_001, -1_000_001, 1.5, written('-1e999'), written('-0')].map((quantity) =>
        bad(`${quantity} pieces`, { body: { quantity, reason: 'x' } }, INVALID),
      ),
      bad('more than there are', { body: { quantity: -1_000_000, reason: 'x' } }, '409 inventory.below-reserved'),
      ...['', NUL, HALF_A_PAIR, 'a\nb', '\u001b[2J', 'x'.repeat(201)].map((reason) =>
        bad(`the reason ${JSON.stringify(reason).slice(0, 20)}`, { body: { quantity: -1, reason } }, INVALID),
      ),
    ],
  },
}
