import { randomUUID } from 'node:crypto'
import { bad, type CasesByRoute, type Refusal } from '../case.ts'
import { email } from '../nasty.ts'
import { bearer, type Scene } from '../scene.ts'
import { LINK, linkCases } from './link-cases.ts'

const UNKNOWN: Refusal = '404 user.export-unknown'
const noted = {
  'user.audit_head': 'a wrong password is noted in the audit log',
  'user.audit_log': 'a wrong password is noted in the audit log',
}

const ownExport = ({ people: { readsExport } }: Scene, more = '') => ({
  path: `/api/v1/users/me/exports/${readsExport.exportId}${more}`,
  headers: bearer(readsExport.token),
})
const strangers = ({ tokens }: Scene) => [
  bad('somebody else’s', { headers: bearer(tokens.shopper) }, UNKNOWN),
  bad('an admin', { headers: bearer(tokens.admin) }, UNKNOWN),
]

/** Its answer has a secret, so none is kept for repeats. */
const { idempotent: _, ...erasureLinkCases } = linkCases(
  '/api/v1/auth/erasure-requests/confirm',
  ({ people }) => people.tokens.erase,
)

export const privacyCases: CasesByRoute = {
  'POST /api/v1/users/me/exports': {
    good: () => ({ path: '/api/v1/users/me/exports' }),
    accepted: 202,
    idempotent: true,
    bodyIsOptional: true,
  },
  'GET /api/v1/users/me/exports/:id': {
    good: (scene) => ownExport(scene),
    accepted: 200,
    unknown: [UNKNOWN],
    special: strangers,
  },
  'GET /api/v1/users/me/exports/:id/document': {
    good: (scene) => ownExport(scene, '/document'),
    accepted: 200,
    unknown: [UNKNOWN],
    special: strangers,
  },
  'POST /api/v1/users/me/erasure': {
    good: ({ people: { isForgotten } }) => ({
      path: '/api/v1/users/me/erasure',
      headers: bearer(isForgotten.token),
      body: { password: isForgotten.password },
    }),
    accepted: 202,
    wrongField: ['403 user.wrong-password'],
    writes: noted,
    special: ({ tokens }) => [
      bad(
        'the last admin',
        { headers: bearer(tokens.admin), body: { password: 'micromart-demo' } },
        '409 user.last-admin',
      ),
    ],
  },
  'POST /api/v1/auth/erasure-requests': {
    good: () => ({ path: '/api/v1/auth/erasure-requests', body: { email: email() } }),
    accepted: 202,
    idempotent: true,
    wrongField: ['400 user.email-invalid'],
    special: () => [
      bad('no address', { body: { email: 'nobody' } }, '400 user.email-invalid'),
      bad('an id beside it', { body: { email: email(), userId: randomUUID() } }, '400 request.invalid'),
    ],
  },
  'POST /api/v1/auth/erasure-requests/confirm': {
    ...erasureLinkCases,
    accepted: 202,
    wrongField: [LINK],
  },
  'POST /api/v1/users/:id/erasure': {
    good: ({ people, tokens }) => ({
      path: `/api/v1/users/${people.closedId}/erasure`,
      headers: bearer(tokens.admin),
    }),
    accepted: 202,
    bodyIsOptional: true,
    unknown: ['404 user.unknown'],
    special: ({ spare, tokens }) => [
      bad('an account that is open', { path: `/api/v1/users/${spare.id}/erasure` }, '409 user.account-open'),
      bad('staff', { headers: bearer(tokens.staff) }, '403 auth.forbidden'),
    ],
  },
  'GET /api/v1/erasure-receipts/:token': {
    good: ({ people: { receiptToken } }) => ({ path: `/api/v1/erasure-receipts/${receiptToken}` }),
    accepted: 200,
    unknown: ['404 user.receipt-unknown'],
    special: ({ people: { receiptToken } }) =>
      [receiptToken.slice(1), receiptToken.toUpperCase(), randomUUID(), '-'.repeat(43)].map((token) =>
        bad(`the token ${token}`, { path: `/api/v1/erasure-receipts/${token}` }, '404 user.receipt-unknown'),
      ),
  },
}
