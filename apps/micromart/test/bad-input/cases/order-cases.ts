import { randomUUID } from 'node:crypto'
import { type BadCase, bad, type CasesByRoute } from '../case.ts'
import { CANARY, cursorOf } from '../nasty.ts'
import { bearer, type Scene } from '../scene.ts'
import { listCases } from './lists.ts'

const UNKNOWN = '404 order.unknown'

const owned = ({ order }: Scene, rest = '') => ({
  path: `/api/v1/orders/${order.id}${rest}`,
  headers: { 'cart-token': order.token },
})

/** An order of somebody else and no order at all look the same. */
const strangers = ({ order, cart, tokens }: Scene, rest = ''): readonly BadCase[] => [
  bad('no Cart-Token', { headers: { 'cart-token': '' } }, UNKNOWN),
  ...[
    cart.token,
    CANARY,
    CANARY.repeat(300),
    `${order.token},${order.token}`,
    order.token.toLowerCase(),
    'caf\u00e9',
    '{}',
  ].map((token) => bad(`the Cart-Token ${token.slice(0, 10)}`, { headers: { 'cart-token': token } }, UNKNOWN)),
  bad('a shopper who did not buy it', { headers: { 'cart-token': '', ...bearer(tokens.shopper) } }, UNKNOWN),
  bad('no order', { path: `/api/v1/orders/${randomUUID()}${rest}`, headers: bearer(tokens.admin) }, UNKNOWN),
  bad('the id in capitals', { path: `/api/v1/orders/${order.id.toUpperCase()}${rest}` }, UNKNOWN),
]

export const orderCases: CasesByRoute = {
  'GET /api/v1/orders': {
    good: () => ({ path: '/api/v1/orders?limit=100' }),
    accepted: 200,
    special: () => [
      ...listCases('/api/v1/orders'),
      bad('a place that is no order', { path: `/api/v1/orders?after=${cursorOf(['x'])}` }, '400 request.bad-cursor'),
    ],
  },
  'GET /api/v1/orders/:id': {
    good: (scene) => owned(scene),
    accepted: 200,
    unknown: [UNKNOWN],
    special: (scene) => strangers(scene),
  },
  'GET /api/v1/orders/:id/timeline': {
    good: (scene) => owned(scene, '/timeline'),
    accepted: 200,
    unknown: [UNKNOWN],
    special: (scene) => strangers(scene, '/timeline'),
  },
  'GET /api/v1/orders/:id/events': {
    good: ({ coupons: { bought } }) => ({
      path: `/api/v1/orders/${bought.id}/events`,
      headers: { 'cart-token': bought.token },
    }),
    accepted: 200,
    unknown: [UNKNOWN],
    special: (scene) => [
      ...strangers(scene, '/events'),
      ...['x', '-1', '1e3', '99', '1.5', CANARY, '9'.repeat(30)].map((id) =>
        bad(`the event ${id.slice(0, 10)}`, { headers: { 'last-event-id': id } }, '400 order.bad-event-id'),
      ),
    ],
  },
  'POST /api/v1/orders/:id/cancel': {
    good: (scene) => owned(scene, '/cancel'),
    accepted: 202,
    idempotent: true,
    bodyIsOptional: true,
    unknown: [UNKNOWN],
    special: (scene) => [
      ...strangers(scene, '/cancel'),
      ...['reason', 'refund', 'orderId'].map((field) =>
        bad(
          `a ${field} of its own`,
          { headers: { 'content-type': 'application/json' }, body: { [field]: 1 } },
          '400 request.invalid',
        ),
      ),
    ],
  },
}
