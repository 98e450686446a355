import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

export interface LocalAccount {
  readonly subject: string
  readonly email?: string
  readonly emailVerified?: boolean
  readonly name?: string
}

export interface LocalIssuer {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Who is sitting at the browser; undefined does not agree. */
  person: LocalAccount | undefined
  close(): Promise<void>
}

/** A real OpenID provider (oidc-provider, certified) on loopback, whose pages agree at once for whoever sits at the browser. */
export async function startLocalIssuer({ redirectUri }: { redirectUri: string }): Promise<LocalIssuer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const clientId = 'micromart'
  const clientSecret = 'a-secret-of-this-client-of-the-local-issuer'
  const local: LocalIssuer = {
    issuer,
    clientId,
    clientSecret,
    person: undefined,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  const people = new Map<string, LocalAccount>()
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    cookies: { keys: ['of the local issuer'] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, subject) => {
      const { email, emailVerified, name } = people.get(subject) ?? {}
      const claims = { sub: subject, email, email_verified: emailVerified, name }
      return { accountId: subject, claims: async () => claims as { sub: string } }
    },
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
  })
  const answer = provider.callback()
  server.on('request', (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void answer(request, response)
    const { person } = local
    if (person) people.set(person.subject, person)
    const result = person
      ? { login: { accountId: person.subject } }
      : { error: 'access_denied', error_description: 'did not agree' }
    provider.interactionFinished(request, response, result).catch((error: unknown) => {
      response.statusCode = 500
      response.end(String(error))
    })
  })
  return local
}
