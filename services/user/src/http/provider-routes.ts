import { refusalProblem } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import { refuse } from '@micromart/kernel/result'
import type { BrowserCookie } from '../browser-cookie.ts'
import type { IdentityProvider } from '../identity-providers.ts'
import { type ProviderRounds, ROUND_TTL_S, type RoundRefusal } from '../provider-rounds.ts'
import { ComeBackQuery, ProviderParams, ProvidersBody, StartQuery } from './provider-schemas.ts'

export const roundStatuses = {
  'user.provider-unknown': 404,
  'user.provider-round-unknown': 400,
  'user.provider-denied': 403,
  'user.provider-answer-invalid': 400,
  'user.provider-unavailable': 503,
} satisfies StatusTable<RoundRefusal['code']>

export const noRound = refuse(
  'user.provider-round-unknown',
  'This browser has begun no sign-in with a provider, or did not keep the cookie of it; start it again',
)

const PATH = '/api/v1/auth/oidc'

/** The way to a provider and back. Nothing that opens anything is ever in an address: the result waits for the browser's cookie. */
export function providerRoutes(
  http: HttpServer,
  {
    providers,
    rounds,
    cookie,
    pagesUrl,
  }: {
    providers: readonly IdentityProvider[]
    rounds: ProviderRounds
    cookie: BrowserCookie
    /** Where the shop's pages are. */
    pagesUrl: string
  },
): void {
  const tags = ['auth']
  const open = { access: 'public' } as const

  http.get(PATH, {
    config: open,
    schema: { tags, summary: 'The providers one can sign in with', response: { 200: ProvidersBody } },
    handler: async () => ({ items: providers.map(({ name, label }) => ({ name, label })) }),
  })

  http.get(`${PATH}/:provider`, {
    config: open,
    schema: {
      tags,
      summary: 'Send the browser to a provider, to sign in',
      params: ProviderParams,
      querystring: StartQuery,
    },
    handler: async (request, reply) => {
      const question = {
        provider: request.params.provider,
        returnTo: request.query.returnTo ?? '/',
        ownerId: undefined,
      }
      const away = await rounds.leave(question)
      if (!away.ok) throw refusalProblem(away.error, roundStatuses)
      cookie.set(reply, away.value.secret, ROUND_TTL_S)
      return reply.header('cache-control', 'no-store').redirect(away.value.url.href, 303)
    },
  })

  http.get(`${PATH}/:provider/callback`, {
    config: open,
    schema: {
      tags,
      summary: 'Where providers send the browser back to; it goes on to the page that it came from',
      params: ProviderParams,
      querystring: ComeBackQuery,
    },
    handler: async (request, reply) => {
      reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
      const secret = cookie.read(request)
      if (secret === undefined) throw refusalProblem(noRound.error, roundStatuses)
      const query = request.url.split('?').slice(1).join('?')
      const back = await rounds.comeBack({ provider: request.params.provider, secret, query })
      if (!back.ok) throw refusalProblem(back.error, roundStatuses)
      return reply.redirect(`${pagesUrl.replace(/\/$/, '')}${back.value}`, 303)
    },
  })
}
