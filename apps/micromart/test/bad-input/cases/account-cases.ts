import { randomUUID } from 'node:crypto'
import { bad, type CasesByRoute, type Refusal } from '../case.ts'
import { CANARY, CARD_NUMBERS, email, HALF_A_PAIR, NUL } from '../nasty.ts'
import { address } from '../people.ts'
import { bearer, type Scene } from '../scene.ts'
import { LINK, linkCases } from './link-cases.ts'

const INVALID = '400 request.invalid'
const WRONG: Refusal = '403 user.wrong-password'
const noted = {
  'user.audit_head': 'a wrong password is noted in the audit log',
  'user.audit_log': 'a wrong password is noted in the audit log',
}
const newPassword = `${CANARY} password`

const commonPasswords = ['password', 'Password1', '12345678', 'qwertyuiop', 'aaaaaaaaaa']

const inAddress = (change: object) => ({ body: { ...address, ...change } })

const addressWish = {
  harmless: {
    '/line2 missing': 'it may be left out',
    '/line2 = ""': 'it may be empty',
    '/region missing': 'it may be left out',
    '/region = ""': 'it may be empty',
  },
  special: () => [
    ...['gb', 'GBR', 'G', 'U\u0000', '\u0405S'].map((country) =>
      bad(`the country ${JSON.stringify(country)}`, inAddress({ country }), INVALID),
    ),
    ...CARD_NUMBERS.map((number) =>
      bad('the number of a card', inAddress({ line2: `card ${number}` }), '422 user.card-number'),
    ),
    ...['userId', 'id', 'version', 'user_id'].map((field) =>
      bad(`a ${field} of its own`, inAddress({ [field]: randomUUID() }), INVALID),
    ),
    bad('a default in words', inAddress({ isDefaultShipping: 'true' }), INVALID),
  ],
}

/** Whose it is, and that somebody else's is as good as none. */
const ownAddress = (scene: Scene) => ({
  path: `/api/v1/users/me/addresses/${scene.people.keepsAddresses.addressId}`,
  headers: bearer(scene.people.keepsAddresses.token),
})
const UNKNOWN: Refusal = '404 user.address-unknown'
const strangers = ({ tokens }: Scene) => [
  bad('somebody else’s', { headers: bearer(tokens.shopper) }, UNKNOWN),
  bad('an admin', { headers: bearer(tokens.admin) }, UNKNOWN),
]
const stale = bad('an older version', { headers: { 'if-match': '"9"' } }, '412 user.address-version-mismatch')

export const accountCases: CasesByRoute = {
  'POST /api/v1/auth/password-resets': {
    good: () => ({ path: '/api/v1/auth/password-resets', body: { email: email() } }),
    accepted: 202,
    idempotent: true,
    wrongField: ['400 user.email-invalid'],
    special: () =>
      ['x', 'a@b', '<a@b.co>', 'a@b.co\r\nBcc: x@y.zz', 'a,b@c.de', `a${NUL}@b.co`, `${HALF_A_PAIR}@b.co`].map((text) =>
        bad(`the address ${JSON.stringify(text)}`, { body: { email: text } }, '400 user.email-invalid'),
      ),
  },
  'POST /api/v1/auth/password-resets/confirm': {
    ...linkCases('/api/v1/auth/password-resets/confirm', ({ people }) => people.tokens.reset, { newPassword }),
    accepted: 204,
    wrongField: [LINK],
    special: (scene) => [
      ...(linkCases('', ({ people }) => people.tokens.reset, { newPassword }).special(scene) ?? []),
      ...commonPasswords.map((common) =>
        bad(
          `the password ${common}`,
          { body: { token: scene.people.tokens.reset, newPassword: common } },
          '400 user.password-too-common',
        ),
      ),
      bad('a short password', { body: { token: scene.people.tokens.reset, newPassword: 'short' } }, INVALID),
    ],
  },
  'POST /api/v1/auth/email-verifications/confirm': {
    ...linkCases('/api/v1/auth/email-verifications/confirm', ({ people }) => people.tokens.verify),
    accepted: 204,
    wrongField: [LINK],
  },
  'POST /api/v1/auth/email-changes/confirm': {
    ...linkCases('/api/v1/auth/email-changes/confirm', ({ people }) => people.tokens.change),
    accepted: 204,
    wrongField: [LINK],
  },
  'PATCH /api/v1/users/me': {
    good: () => ({
      path: '/api/v1/users/me',
      body: { name: `Ada ${CANARY}`, locale: 'en-GB', marketingConsent: true },
    }),
    accepted: 200,
    idempotent: true,
    wrongField: ['400 user.name-invalid', '400 user.locale-invalid'],
    harmless: {
      '/name missing': 'what is left out stays',
      '/locale missing': 'what is left out stays',
      '/locale = null': 'nothing said of a language',
      '/marketingConsent missing': 'what is left out stays',
    },
    special: () => [
      bad('nothing to change', { body: {} }, INVALID),
      bad('an older version', { headers: { 'if-match': '"999"' } }, '412 user.version-mismatch'),
      ...[{ roles: ['admin'] }, { email: 'x@y.zz' }, { emailVerified: true }, { version: 1 }].map((more) =>
        bad(`${Object.keys(more)[0]} to be had`, { body: { name: 'Ada', ...more } }, INVALID),
      ),
      ...['x', 'english please', '../..', 'en_GB', '\u0000\u0000'].map((locale) =>
        bad(`the locale ${JSON.stringify(locale)}`, { body: { locale } }, '400 user.locale-invalid', INVALID),
      ),
      ...[' ', 'A\r\nB', NUL, HALF_A_PAIR].map((name) =>
        bad(`the name ${JSON.stringify(name)}`, { body: { name } }, '400 user.name-invalid'),
      ),
    ],
  },
  'POST /api/v1/users/me/password': {
    good: ({ people: { changesPassword } }) => ({
      path: '/api/v1/users/me/password',
      headers: bearer(changesPassword.token),
      body: { password: changesPassword.password, newPassword },
    }),
    accepted: 204,
    idempotent: true,
    wrongField: [WRONG],
    writes: noted,
    special: ({ people: { changesPassword } }) => [
      ...commonPasswords.map((common) =>
        bad(
          `the password ${common}`,
          { body: { password: changesPassword.password, newPassword: common } },
          '400 user.password-too-common',
        ),
      ),
      bad('somebody else’s password', { body: { password: 'micromart-demo', newPassword } }, WRONG),
    ],
  },
  'POST /api/v1/users/me/email': {
    good: ({ people: { changesEmail } }) => ({
      path: '/api/v1/users/me/email',
      headers: bearer(changesEmail.token),
      body: { newEmail: email(), password: changesEmail.password },
    }),
    accepted: 202,
    idempotent: true,
    wrongField: [WRONG, '400 user.email-invalid'],
    writes: noted,
    special: ({ people: { changesEmail } }) => [
      bad(
        'the address it has',
        { body: { newEmail: changesEmail.email.toUpperCase(), password: changesEmail.password } },
        '409 user.email-unchanged',
      ),
      bad('no password', { body: { newEmail: email() } }, INVALID),
    ],
  },
  'POST /api/v1/users/me/email-verification': {
    good: ({ people }) => ({ path: '/api/v1/users/me/email-verification', headers: bearer(people.isUnproven.token) }),
    accepted: 202,
    idempotent: true,
    bodyIsOptional: true,
    special: ({ people }) => [
      bad(
        'an address of its own',
        { headers: { 'content-type': 'application/json' }, body: { email: people.closes.email } },
        INVALID,
      ),
    ],
  },
  'POST /api/v1/users/me/close': {
    good: ({ people: { closes } }) => ({
      path: '/api/v1/users/me/close',
      headers: bearer(closes.token),
      body: { password: closes.password },
    }),
    accepted: 204,
    idempotent: true,
    wrongField: [WRONG],
    writes: noted,
    special: ({ tokens }) => [
      bad(
        'the last admin',
        { headers: bearer(tokens.admin), body: { password: 'micromart-demo' } },
        '409 user.last-admin',
      ),
    ],
  },
  'GET /api/v1/users/me/addresses': { good: () => ({ path: '/api/v1/users/me/addresses' }), accepted: 200 },
  'POST /api/v1/users/me/addresses': {
    good: () => ({ path: '/api/v1/users/me/addresses', body: address }),
    accepted: 201,
    idempotent: true,
    ...addressWish,
  },
  'GET /api/v1/users/me/addresses/:id': {
    good: ownAddress,
    accepted: 200,
    unknown: [UNKNOWN],
    special: strangers,
  },
  'PUT /api/v1/users/me/addresses/:id': {
    good: (scene) => ({ ...ownAddress(scene), body: { ...address, isDefaultShipping: true } }),
    accepted: 200,
    idempotent: true,
    unknown: [UNKNOWN],
    ...addressWish,
    harmless: { ...addressWish.harmless, '/isDefaultShipping missing': 'it stays as it is' },
    special: (scene) => [...strangers(scene), stale, ...addressWish.special()],
  },
  'DELETE /api/v1/users/me/addresses/:id': {
    good: ownAddress,
    accepted: 204,
    idempotent: true,
    bodyIsOptional: true,
    unknown: [UNKNOWN],
    special: (scene) => [...strangers(scene), stale],
  },
}
