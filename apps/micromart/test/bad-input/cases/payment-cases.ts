import { randomUUID } from 'node:crypto'
import { type BadCase, bad, type CasesByRoute, type Refusal } from '../case.ts'
import { CANARY } from '../nasty.ts'
import type { Scene } from '../scene.ts'
import { json, written } from '../wire.ts'

const INVALID = '400 request.invalid'
const BAD_SIGNATURE = '400 payment.bad-signature'
const BAD_EVENT = '400 payment.bad-event'
const ACTION_UNKNOWN = '404 payment.action-unknown'

const actionPath = ({ order }: Scene) => `/api/v1/payments/sandbox/actions/${order.reference}`

/** What the provider tells when a pending payment was authorised. */
const event = ({ pending: { orderId, paymentId: key, amount } }: Scene, change: object = {}, other: object = {}) => ({
  id: randomUUID(),
  createdAt: new Date().toISOString(),
  payment: { key, orderId, reference: 'sbx_x', amount, status: 'authorized', ...change },
  ...other,
})

const signed = (scene: Scene, told: unknown) => {
  const body = typeof told === 'string' ? told : json(told)
  return { headers: { 'sandbox-signature': scene.signature(body) }, body }
}

const forged = (scene: Scene): readonly BadCase[] => {
  const body = json(event(scene))
  const genuine = scene.signature(body)
  const [time, digest] = genuine.split(',')
  const at = (offsetMs: number) => scene.signature(body, new Date(Date.now() + offsetMs))
  const signatures = {
    none: '',
    'a word': CANARY,
    'without a time': String(digest),
    'without a digest': String(time),
    'of zeros': `${time},v1=${'0'.repeat(64)}`,
    'in capitals': genuine.toUpperCase(),
    'cut short': genuine.slice(0, -2),
    'of another body': scene.signature(`${body} `),
    'too old': at(-301_000),
    'from the future': at(302_000),
    'of another time': genuine.replace(/\d+/, (seconds) => String(Number(seconds) - 1)),
    'with a strange time': `t=NaN,${digest}`,
    twice: `${genuine},${genuine}`,
    'very long': `t=1,v1=${'a'.repeat(5_000)}`,
  }
  return Object.entries(signatures).map(([what, signature]) =>
    bad(`a signature ${what}`, { headers: { 'sandbox-signature': signature }, body }, BAD_SIGNATURE),
  )
}

/** Signed as it should be, and still nothing that can be. */
const impossible = (scene: Scene): readonly BadCase[] => {
  const told = (what: string, body: unknown, refusal: Refusal) => bad(what, signed(scene, body), refusal)
  const { amount } = scene.pending
  return [
    ...['', '{', 'null', '[]', '"x"', '\u0000', '{"__proto__":{}}', `${'['.repeat(20_000)}`].map((text) =>
      told(`signed ${text.slice(0, 10)}`, text, BAD_EVENT),
    ),
    told('no id', event(scene, {}, { id: '' }), BAD_EVENT),
    told('an id of another type', event(scene, {}, { id: 1 }), BAD_EVENT),
    told('a long id', event(scene, {}, { id: 'x'.repeat(101) }), BAD_EVENT),
    told('an unknown status', event(scene, { status: 'captured' }), BAD_EVENT),
    told('declined without a reason', event(scene, { status: 'declined' }), BAD_EVENT),
    ...['x', '', null, scene.pending.orderId.toUpperCase()].map((orderId) =>
      told(`the order ${orderId}`, event(scene, { orderId }), BAD_EVENT),
    ),
    ...[-1, 0.5, '1', written('1e999'), null].map((minor) =>
      told(`the amount ${minor}`, event(scene, { amount: { ...amount, minor } }), BAD_EVENT),
    ),
    told('another amount', event(scene, { amount: { ...amount, minor: 1 } }), '422 payment.mismatch'),
    told('another currency', event(scene, { amount: { ...amount, currency: 'JPY' } }), '422 payment.mismatch'),
    told('another payment', event(scene, { key: randomUUID() }), '422 payment.mismatch'),
    told('the payment of another order', event(scene, { orderId: scene.order.id }), '422 payment.mismatch'),
    told('no order', event(scene, { orderId: randomUUID() }), '404 payment.unknown'),
    told('an id with NUL', event(scene, {}, { id: 'a\u0000b' }), BAD_EVENT),
    told('an id with half a character', event(scene, {}, { id: 'a\ud800b' }), BAD_EVENT),
    told('a reason with NUL', event(scene, { status: 'declined', reason: 'a\u0000b' }), BAD_EVENT),
    told('a reference with NUL', event(scene, { reference: 'a\u0000b' }), BAD_EVENT),
    bad(
      'a strange Idempotency-Key',
      { ...signed(scene, event(scene)), headers: { ...signed(scene, event(scene)).headers, 'idempotency-key': 'x' } },
      BAD_SIGNATURE,
    ),
  ]
}

export const paymentCases: CasesByRoute = {
  'GET /api/v1/payments/:orderId': {
    good: ({ order }) => ({ path: `/api/v1/payments/${order.id}` }),
    accepted: 200,
    unknown: ['404 payment.unknown'],
  },
  'POST /api/v1/payments/webhooks/sandbox': {
    good: (scene) => ({ path: '/api/v1/payments/webhooks/sandbox', ...signed(scene, event(scene)) }),
    accepted: 200,
    opaqueBody: [BAD_SIGNATURE],
    special: (scene) => [...forged(scene), ...impossible(scene)],
  },
  'GET /api/v1/payments/sandbox/actions/:reference': {
    good: (scene) => ({ path: actionPath(scene) }),
    accepted: 200,
    unknown: [ACTION_UNKNOWN, INVALID],
  },
  'POST /api/v1/payments/sandbox/actions/:reference': {
    good: (scene) => ({ path: actionPath(scene), body: { outcome: 'approve' } }),
    accepted: 200,
    unknown: [ACTION_UNKNOWN, INVALID],
    special: (scene) => [
      ...[
        '',
        'outcome=',
        'outcome=yes',
        'outcome=approve&amount=0',
        'outcome=approve&__proto__=x',
        'OUTCOME=approve',
        '{"outcome":"approve"}',
        '%00',
        '%',
      ].map((body) =>
        bad(`the form ${body}`, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body }, INVALID),
      ),
      bad(
        'a reference in other letters',
        {
          path: actionPath(scene)
            .toUpperCase()
            .replace('/API/V1/PAYMENTS/SANDBOX/ACTIONS', '/api/v1/payments/sandbox/actions'),
        },
        ACTION_UNKNOWN,
      ),
    ],
  },
}
