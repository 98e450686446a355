import { bad, type CasesByRoute } from '../case.ts'
import { CANARY, email, HALF_A_PAIR, NUL } from '../nasty.ts'
import { bearer } from '../scene.ts'
import { listCases } from './lists.ts'

const INVALID = '400 request.invalid'
const password = `${CANARY} password`

const unlikely = [
  'x',
  'a@b',
  '@b.co',
  'a@',
  'a b@c.de',
  'a@b.co\r\nBcc: x@y.zz',
  '<a@b.co>',
  'a,b@c.de',
  `${'x'.repeat(65)}@b.co`,
  '\u202ea@b.co',
  `a${NUL}@b.co`,
  "'--@b",
]

export const userCases: CasesByRoute = {
  'POST /api/v1/auth/register': {
    good: () => ({ path: '/api/v1/auth/register', body: { email: email(), password, name: `Ada ${CANARY}` } }),
    accepted: 202,
    idempotent: true,
    wrongField: ['400 user.email-invalid', '400 user.name-invalid'],
    special: () => [
      bad(
        'a short Idempotency-Key',
        { headers: { 'idempotency-key': 'easy-to-guess' } },
        '400 idempotency.key-invalid',
      ),
      ...unlikely.map((text) =>
        bad(`the address ${text}`, { body: { email: text, password, name: 'A' } }, '400 user.email-invalid'),
      ),
      ...[' ', '\n', `A\r\nB`, NUL, HALF_A_PAIR, 'A\u2028B', '\u001b[31mA'].map((name) =>
        bad(`the name ${JSON.stringify(name)}`, { body: { email: email(), password, name } }, '400 user.name-invalid'),
      ),
      bad('a short password', { body: { email: email(), password: 'short', name: 'A' } }, INVALID),
      bad('roles to be had', { body: { email: email(), password, name: 'A', roles: ['admin'] } }, INVALID),
    ],
  },
  'POST /api/v1/auth/login': {
    good: () => ({
      path: '/api/v1/auth/login',
      body: { email: 'shopper@micromart.test', password: 'micromart-demo' },
    }),
    accepted: 200,
    writes: {
      'user.audit_head': 'a failed sign-in is noted in the audit log',
      'user.audit_log': 'a failed sign-in is noted in the audit log',
    },
    wrongField: ['401 user.bad-credentials'],
    special: () => [
      bad('nobody', { body: { email: email(), password } }, '401 user.bad-credentials'),
      bad('a wrong password', { body: { email: 'staff@micromart.test', password } }, '401 user.bad-credentials'),
      bad('SQL', { body: { email: "' OR '1'='1", password: "' OR '1'='1" } }, '401 user.bad-credentials'),
      bad('operators', { body: { email: { $ne: null }, password: { $ne: null } } }, INVALID),
      bad('a long password', { body: { email: email(), password: password.repeat(100) } }, INVALID),
    ],
  },
  'GET /api/v1/users/me/sessions': { good: () => ({ path: '/api/v1/users/me/sessions' }), accepted: 200 },
  'DELETE /api/v1/users/me/sessions/:id': {
    good: ({ spare }) => ({ path: `/api/v1/users/me/sessions/${spare.otherSessionId}`, headers: bearer(spare.token) }),
    accepted: 204,
    unknown: ['404 user.session-unknown'],
    bodyIsOptional: true,
    special: ({ tokens }) => [bad("somebody else's", { headers: bearer(tokens.shopper) }, '404 user.session-unknown')],
  },
  'POST /api/v1/users/me/reauthentication': {
    good: ({ people: { keepsAddresses } }) => ({
      path: '/api/v1/users/me/reauthentication',
      headers: bearer(keepsAddresses.token),
      body: { password: keepsAddresses.password },
    }),
    accepted: 204,
    wrongField: ['403 user.wrong-password'],
    writes: {
      'user.audit_head': 'a wrong password is noted in the audit log',
      'user.audit_log': 'a wrong password is noted in the audit log',
    },
    special: () => [bad('an empty password', { body: { password: '' } }, INVALID)],
  },
  'POST /api/v1/auth/refresh': {
    good: ({ spare }) => ({ path: '/api/v1/auth/refresh', body: { refreshToken: spare.refreshToken } }),
    accepted: 200,
    wrongField: ['401 user.refresh-token-invalid'],
    special: ({ tokens }) => [
      bad('SQL', { body: { refreshToken: "' OR '1'='1" } }, '401 user.refresh-token-invalid'),
      bad('an access token', { body: { refreshToken: tokens.shopper } }, INVALID),
    ],
  },
  'POST /api/v1/auth/logout': {
    good: ({ spare }) => ({ path: '/api/v1/auth/logout', body: { refreshToken: spare.otherRefreshToken } }),
    accepted: 204,
    bodyIsOptional: true,
    wrongField: ['401 user.refresh-token-invalid', '401 auth.required'],
    special: () => [
      bad('nobody', { body: {} }, '401 auth.required'),
      bad('an unknown token', { body: { refreshToken: 'x' } }, '401 user.refresh-token-invalid'),
    ],
  },
  'POST /api/v1/auth/logout-everywhere': {
    good: ({ spare }) => ({ path: '/api/v1/auth/logout-everywhere', headers: bearer(spare.token) }),
    accepted: 204,
    bodyIsOptional: true,
  },
  'GET /api/v1/users/me/security-log': {
    good: () => ({ path: '/api/v1/users/me/security-log?limit=5' }),
    accepted: 200,
    special: () => listCases('/api/v1/users/me/security-log'),
  },
  'GET /api/v1/security-log': {
    good: () => ({ path: '/api/v1/security-log?limit=5' }),
    accepted: 200,
    special: () => listCases('/api/v1/security-log'),
  },
  'GET /api/v1/api-keys': { good: () => ({ path: '/api/v1/api-keys' }), accepted: 200 },
  'POST /api/v1/api-keys': {
    good: () => ({
      path: '/api/v1/api-keys',
      body: { name: `Till ${CANARY}`, scopes: ['stock:read'] },
    }),
    accepted: 201,
    wrongField: ['400 user.name-invalid'],
    special: () => [
      ...[['roles:write'], ['api-keys:write'], ['security-log:write'], [], ['stock:read', 'stock:read']].map((scopes) =>
        bad(`the scopes ${scopes.join()}`, { body: { name: 'A', scopes } }, INVALID),
      ),
      bad('more than staff may', { body: { name: 'A', scopes: ['security-log:read'] } }, '403 user.scope-beyond-own'),
      ...[0, -1, 366, 1.5, '30'].map((expiresInDays) =>
        bad(`${expiresInDays} days`, { body: { name: 'A', scopes: ['stock:read'], expiresInDays } }, INVALID),
      ),
      bad('two lines', { body: { name: 'A\nB', scopes: ['stock:read'] } }, '400 user.name-invalid'),
    ],
  },
  'POST /api/v1/auth/token': {
    good: ({ apiKey }) => ({ path: '/api/v1/auth/token', body: { apiKey: apiKey.key } }),
    accepted: 200,
    wrongField: ['401 user.api-key-invalid'],
    special: ({ apiKey }) => [
      bad('another secret', { body: { apiKey: apiKey.key.slice(0, -4).concat('AAAA') } }, '401 user.api-key-invalid'),
      bad('SQL', { body: { apiKey: "mm_' OR '1'='1" } }, '401 user.api-key-invalid'),
    ],
  },
  'DELETE /api/v1/api-keys/:id': {
    good: ({ apiKey }) => ({ path: `/api/v1/api-keys/${apiKey.id}` }),
    accepted: 204,
    unknown: ['404 user.api-key-unknown'],
    bodyIsOptional: true,
    special: ({ tokens }) => [bad("somebody else's", { headers: bearer(tokens.admin) }, '404 user.api-key-unknown')],
  },
  'GET /api/v1/signing-keys': { good: () => ({ path: '/api/v1/signing-keys' }), accepted: 200 },
  'POST /api/v1/signing-keys/rotate': {
    good: () => ({ path: '/api/v1/signing-keys/rotate' }),
    accepted: 200,
    bodyIsOptional: true,
  },
  'GET /api/v1/auth/jwks': { good: () => ({ path: '/api/v1/auth/jwks' }), accepted: 200 },
  'GET /.well-known/jwks.json': { good: () => ({ path: '/.well-known/jwks.json' }), accepted: 200 },
  'GET /api/v1/users/me': { good: () => ({ path: '/api/v1/users/me' }), accepted: 200 },
  'DELETE /api/v1/users/:id/sessions': {
    good: ({ spare, tokens }) => ({ path: `/api/v1/users/${spare.id}/sessions`, headers: bearer(tokens.staff) }),
    accepted: 204,
    bodyIsOptional: true,
    unknown: ['404 user.unknown'],
    special: ({ tokens }) => [bad('a customer', { headers: bearer(tokens.shopper) }, '403 auth.forbidden')],
  },
  'PUT /api/v1/users/:id/roles': {
    good: ({ spare }) => ({ path: `/api/v1/users/${spare.id}/roles`, body: { roles: ['customer', 'staff'] } }),
    accepted: 200,
    idempotent: true,
    unknown: ['404 user.unknown'],
    special: () => [
      ...[[], ['root'], ['customer', 'customer'], ['Admin'], ['customer', 'staff', 'admin', 'customer']].map((roles) =>
        bad(`the roles ${roles.join()}`, { body: { roles } }, INVALID),
      ),
    ],
  },
}
