import { forwardedAddress } from '@micromart/http-kit/client-address'
import { refusalProblem } from '@micromart/http-kit/idempotent-handler'
import { kitProblem, type StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import type { SignInRefusal } from '../accounts.ts'
import type { BrowserCookie } from '../browser-cookie.ts'
import type { ExternalRefusal, ExternalSignIn } from '../external-sign-in.ts'
import type { Entrance } from '../sign-in.ts'
import type { ChallengeRefusal } from '../sign-in-challenges.ts'
import { noRound, roundStatuses } from './provider-routes.ts'
import { userAgentOf } from './request-facts.ts'
import { ChallengeAnswerBody, ChallengeBody } from './second-factor-schemas.ts'
import { admissionBody, signedInBody } from './signed-in.ts'
import { LoginBody, SignedInBody } from './user-schemas.ts'

const statuses = {
  ...roundStatuses,
  'user.bad-credentials': 401,
  'user.too-many-attempts': 429,
  'user.challenge-unknown': 401,
  'user.second-factor-wrong': 401,
  'user.second-factor-off': 401,
  'user.second-factor-waits': 429,
  'user.provider-email-unverified': 403,
  'user.identity-needs-link': 409,
  'user.identity-taken': 409,
} satisfies StatusTable<(SignInRefusal | ChallengeRefusal | ExternalRefusal)['code']>

export interface SignInRoutes {
  readonly entrance: Entrance
  readonly externalSignIn: ExternalSignIn
  readonly cookie: BrowserCookie
}

/** The three doors: a password, a second factor, a provider's word. */
export function signInRoutes(http: HttpServer, { entrance, externalSignIn, cookie }: SignInRoutes): void {
  const open = { access: 'public' } as const
  const tags = ['auth']
  const responses = { 200: SignedInBody, 202: ChallengeBody }

  http.post('/api/v1/auth/login', {
    config: open,
    schema: { tags, summary: 'Sign in', body: LoginBody, response: responses },
    handler: async (request, reply) => {
      const from = { clientAddress: forwardedAddress(request.headers), userAgent: userAgentOf(request) }
      const result = await entrance.signIn({ ...request.body, ...from })
      if (result.ok) return admissionBody(reply, result.value, 200)
      if ('waitMs' in result.error) reply.header('retry-after', String(Math.ceil(result.error.waitMs / 1_000)))
      throw refusalProblem(result.error, statuses)
    },
  })

  http.post('/api/v1/auth/login/second-factor', {
    config: open,
    schema: {
      tags,
      summary: 'Answer the challenge of a sign-in with a code of the authenticator app or a recovery code',
      body: ChallengeAnswerBody,
      response: { 200: SignedInBody },
    },
    handler: async (request, reply) => {
      const result = await entrance.answerChallenge({ ...request.body, userAgent: userAgentOf(request) })
      if (result.ok) return signedInBody(reply, result.value)
      if ('waitMs' in result.error) reply.header('retry-after', String(Math.ceil(result.error.waitMs / 1_000)))
      throw refusalProblem(result.error, statuses)
    },
  })

  http.post('/api/v1/auth/login/provider', {
    config: open,
    schema: {
      tags,
      summary: 'Sign in with what this browser brought back from a provider',
      body: NoBody,
      response: responses,
    },
    handler: async (request, reply) => {
      const secret = cookie.read(request)
      if (secret === undefined) throw refusalProblem(noRound.error, statuses)
      cookie.clear(reply)
      const found = await externalSignIn.signIn(secret)
      if (!found.ok) throw refusalProblem(found.error, statuses)
      const facts = { userAgent: userAgentOf(request), method: 'identity-provider' } as const
      const admitted = await entrance.admit(found.value.id, facts)
      if (!admitted) throw kitProblem('auth.invalid-token', 'This account was closed a moment ago')
      return admissionBody(reply, admitted, 200)
    },
  })
}
