import { forwardedAddress } from '@micromart/http-kit/client-address'
import { refusalProblem } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import { isUuid } from '@micromart/kernel/ids'
import type { Result } from '@micromart/kernel/result'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import type { BrowserCookie } from '../browser-cookie.ts'
import type { ExternalRefusal, ExternalSignIn, Identities } from '../external-sign-in.ts'
import { type ProviderRounds, ROUND_TTL_S } from '../provider-rounds.ts'
import type { Reauthenticate, ReauthenticationRefusal } from '../reauthenticate.ts'
import { noRound, roundStatuses } from './provider-routes.ts'
import { AddIdentityBody, AuthorizationBody, IdentitiesBody } from './provider-schemas.ts'
import { ownerOf } from './second-factor-routes.ts'

const statuses = {
  ...roundStatuses,
  'user.unknown': 401,
  'user.wrong-password': 403,
  'user.too-many-attempts': 429,
  'user.provider-email-unverified': 403,
  'user.identity-needs-link': 409,
  'user.identity-taken': 409,
  'user.identity-unknown': 404,
  'user.identity-last': 409,
} satisfies StatusTable<
  (ExternalRefusal | ReauthenticationRefusal)['code'] | 'user.identity-unknown' | 'user.identity-last'
>

type AnyRefusal = Extract<Awaited<ReturnType<ExternalSignIn['link' | 'unlink']>>, { ok: false }>['error']

const PATH = '/api/v1/users/me/identities'

/** The owner's side: which providers open the account. */
export function identityRoutes(
  http: HttpServer,
  parts: {
    identities: Identities
    externalSignIn: ExternalSignIn
    rounds: ProviderRounds
    reauthenticate: Reauthenticate
    cookie: BrowserCookie
  },
): void {
  const { identities, externalSignIn, rounds, reauthenticate, cookie } = parts
  const signedIn = { access: 'signed-in' } as const
  const tags = ['identities']
  const done = (reply: FastifyReply, result: Result<undefined, AnyRefusal>) => {
    if (!result.ok) throw refusalProblem(result.error, statuses)
    return reply.code(204).send()
  }

  http.get(PATH, {
    config: signedIn,
    schema: { tags, summary: 'The providers that open my account', response: { 200: IdentitiesBody } },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const items = await identities.list(ownerOf(request))
      return { items: items.map(({ linkedAt, ...rest }) => ({ ...rest, linkedAt: linkedAt.toISOString() })) }
    },
  })

  http.post(PATH, {
    config: signedIn,
    schema: {
      tags,
      summary: 'Begin to add a provider to my account: the browser goes there and comes back',
      body: AddIdentityBody,
      response: { 200: AuthorizationBody },
    },
    handler: async (request, reply) => {
      const { provider, password, returnTo = '/' } = request.body
      const claim = { userId: ownerOf(request), password, clientAddress: forwardedAddress(request.headers) }
      const owner = await reauthenticate(claim)
      if (!owner.ok) {
        if ('waitMs' in owner.error) reply.header('retry-after', String(Math.ceil(owner.error.waitMs / 1_000)))
        throw refusalProblem(owner.error, statuses)
      }
      const away = await rounds.leave({ provider, returnTo, ownerId: owner.value.id })
      if (!away.ok) throw refusalProblem(away.error, statuses)
      cookie.set(reply, away.value.secret, ROUND_TTL_S)
      reply.header('cache-control', 'no-store')
      return { authorizationUrl: away.value.url.href }
    },
  })

  http.post(`${PATH}/complete`, {
    config: signedIn,
    schema: { tags, summary: 'Add to my account what this browser came back with', body: NoBody },
    handler: async (request, reply) => {
      const secret = cookie.read(request)
      if (secret === undefined) throw refusalProblem(noRound.error, statuses)
      cookie.clear(reply)
      return done(reply, await externalSignIn.link(ownerOf(request), secret))
    },
  })

  http.delete(`${PATH}/:id`, {
    config: signedIn,
    schema: {
      tags,
      summary: 'Take a provider from my account',
      params: Type.Object({ id: Type.String() }),
      body: NoBody,
    },
    handler: async (request, reply) => {
      const { id } = request.params
      return done(reply, await externalSignIn.unlink(ownerOf(request), isUuid(id) ? id : NO_IDENTITY))
    },
  })
}

/** What cannot be an id belongs to nobody, and is told so in the same words. */
const NO_IDENTITY = '00000000-0000-0000-0000-000000000000'
