import { bad, type CasesByRoute } from '../case.ts'
import { bearer } from '../scene.ts'

const INVALID = '400 request.invalid'
const NO_ROUND = '400 user.provider-round-unknown'
const WRONG = '403 user.wrong-password'
const FACTOR = '/api/v1/users/me/second-factor'
const IDENTITIES = '/api/v1/users/me/identities'
const OIDC = '/api/v1/auth/oidc'

const noted = {
  'user.audit_head': 'a wrong password is noted in the audit log',
  'user.audit_log': 'a wrong password is noted in the audit log',
}

const elsewhere = [
  '//evil.example',
  'https://evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  'x',
  '',
  '/\r\nx',
  '/é',
]

export const signInCases: CasesByRoute = {
  'POST /api/v1/auth/login/second-factor': {
    good: ({ doors }) => ({ path: '/api/v1/auth/login/second-factor', body: doors.signingIn }),
    accepted: 200,
    wrongField: ['401 user.challenge-unknown'],
    special: ({ doors, tokens }) => [
      bad(
        'an unknown challenge',
        { body: { challenge: 'x'.repeat(43), code: '123456' } },
        '401 user.challenge-unknown',
      ),
      bad(
        'a recovery code alone',
        { body: { challenge: 'x', code: doors.signingIn.code } },
        '401 user.challenge-unknown',
      ),
      bad('an access token', { body: { challenge: tokens.shopper, code: '123456' } }, INVALID),
      bad('somebody else’s id', { body: { ...doors.signingIn, userId: 'x' } }, INVALID),
    ],
  },
  'POST /api/v1/auth/login/provider': {
    good: ({ doors }) => ({ path: '/api/v1/auth/login/provider', headers: { cookie: doors.back.cookie } }),
    accepted: 200,
    bodyIsOptional: true,
    special: ({ doors }) => [
      bad('no cookie', { headers: { cookie: '' } }, NO_ROUND),
      ...[
        'micromart-provider=x',
        `micromart-provider=${'x'.repeat(43)}`,
        'micromart-provider=',
        '=;;',
        '__proto__=x',
      ].map((cookie) => bad(`the cookie ${cookie}`, { headers: { cookie } }, NO_ROUND)),
      bad('two cookies of one name', { headers: { cookie: `${doors.back.cookie}; ${doors.away.cookie}` } }, NO_ROUND),
      bad('somebody who is not back yet', { headers: { cookie: doors.away.cookie } }, NO_ROUND),
      bad('an owner’s round', { headers: { cookie: doors.linking.cookie } }, NO_ROUND),
    ],
  },
  [`GET ${OIDC}`]: { good: () => ({ path: OIDC }), accepted: 200 },
  [`GET ${OIDC}/:provider`]: {
    good: () => ({ path: `${OIDC}/github?returnTo=/account` }),
    accepted: 303,
    unknown: ['404 user.provider-unknown', INVALID],
    special: () => [
      ...elsewhere.map((path) =>
        bad(`back to ${path}`, { path: `${OIDC}/github?returnTo=${encodeURIComponent(path)}` }, INVALID),
      ),
      bad('an owner of its own', { path: `${OIDC}/github?ownerId=x` }, INVALID),
    ],
  },
  [`GET ${OIDC}/:provider/callback`]: {
    good: ({ doors }) => ({ path: doors.away.path, headers: { cookie: doors.away.cookie } }),
    accepted: 303,
    unknown: ['404 user.provider-unknown', INVALID],
    special: ({ doors }) => [
      bad('no cookie', { headers: { cookie: '' } }, NO_ROUND),
      bad('another’s cookie', { headers: { cookie: doors.back.cookie } }, NO_ROUND),
      bad('another state', { path: `${OIDC}/github/callback?code=1&state=x` }, NO_ROUND),
      bad('no state', { path: `${OIDC}/github/callback?code=1` }, NO_ROUND),
      bad('nothing at all', { path: `${OIDC}/github/callback` }, NO_ROUND),
      bad('two codes', { path: `${OIDC}/github/callback?code=1&code=2` }, INVALID),
    ],
  },
  [`GET ${FACTOR}`]: { good: () => ({ path: FACTOR }), accepted: 200 },
  [`POST ${FACTOR}/totp`]: {
    good: ({ doors }) => ({
      path: `${FACTOR}/totp`,
      headers: bearer(doors.enrolling.token),
      body: { password: doors.password },
    }),
    accepted: 201,
    wrongField: [WRONG],
    writes: noted,
    special: ({ doors }) => [
      bad('one that is on', { headers: bearer(doors.removing.token) }, '409 user.second-factor-on'),
    ],
  },
  [`POST ${FACTOR}/totp/confirm`]: {
    good: ({ doors }) => ({
      path: `${FACTOR}/totp/confirm`,
      headers: bearer(doors.confirming.token),
      body: { code: doors.confirming.code() },
    }),
    accepted: 200,
    special: ({ tokens, doors }) => [
      bad('nothing to confirm', { headers: bearer(tokens.shopper) }, '409 user.second-factor-not-begun'),
      bad('one that is on', { headers: bearer(doors.removing.token) }, '409 user.second-factor-on'),
    ],
  },
  [`POST ${FACTOR}/recovery-codes`]: {
    good: ({ doors: { renewing, password } }) => ({
      path: `${FACTOR}/recovery-codes`,
      headers: bearer(renewing.token),
      body: { password, code: renewing.code },
    }),
    accepted: 200,
    wrongField: [WRONG],
    writes: noted,
    special: ({ doors }) => [
      bad('without a second factor', { headers: bearer(doors.adding.token) }, '409 user.second-factor-off'),
    ],
  },
  [`POST ${FACTOR}/remove`]: {
    good: ({ doors: { removing, password } }) => ({
      path: `${FACTOR}/remove`,
      headers: bearer(removing.token),
      body: { password, code: removing.code },
    }),
    accepted: 204,
    wrongField: [WRONG],
    writes: noted,
    special: ({ doors }) => [
      bad('without a second factor', { headers: bearer(doors.adding.token) }, '409 user.second-factor-off'),
    ],
  },
  [`GET ${IDENTITIES}`]: { good: () => ({ path: IDENTITIES }), accepted: 200 },
  [`POST ${IDENTITIES}`]: {
    good: ({ doors: { adding, password } }) => ({
      path: IDENTITIES,
      headers: bearer(adding.token),
      body: { provider: 'github', password, returnTo: '/account' },
    }),
    accepted: 200,
    wrongField: [WRONG],
    writes: noted,
    harmless: { '/returnTo missing': 'it may be left out' },
    special: ({ doors: { password } }) => [
      ...elsewhere.map((returnTo) =>
        bad(`back to ${returnTo}`, { body: { provider: 'github', password, returnTo } }, INVALID),
      ),
      bad('a provider that nobody knows', { body: { provider: 'nobody', password } }, '404 user.provider-unknown'),
    ],
  },
  [`POST ${IDENTITIES}/complete`]: {
    good: ({ doors: { linking } }) => ({
      path: `${IDENTITIES}/complete`,
      headers: { ...bearer(linking.token), cookie: linking.cookie },
    }),
    accepted: 204,
    bodyIsOptional: true,
    special: ({ doors, tokens }) => [
      bad('no cookie', { headers: { cookie: '' } }, NO_ROUND),
      bad('what somebody else began', { headers: bearer(tokens.shopper) }, NO_ROUND),
      bad('a sign-in', { headers: { cookie: doors.back.cookie } }, NO_ROUND),
    ],
  },
  [`DELETE ${IDENTITIES}/:id`]: {
    good: ({ doors: { linked } }) => ({ path: `${IDENTITIES}/${linked.id}`, headers: bearer(linked.token) }),
    accepted: 204,
    unknown: ['404 user.identity-unknown'],
    bodyIsOptional: true,
    special: ({ tokens }) => [bad('somebody else’s', { headers: bearer(tokens.shopper) }, '404 user.identity-unknown')],
  },
}
