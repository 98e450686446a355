import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'

type Page = (request: IncomingMessage, response: ServerResponse, body: string) => unknown

export interface ScriptedIssuer {
  readonly issuer: string
  readonly privateKey: KeyObject
  readonly publicJwk: JWK
  /** Every request, as `GET /path`. */
  readonly asked: string[]
  /** What a path answers: an object as JSON, or whatever it does to the response. */
  readonly pages: Record<string, Page>
  /** What a good provider says of itself, with changes. */
  metadata(changes?: object): object
  /** An ID token as a good provider makes it, with changes. */
  idToken(nonce: string, changes?: { claims?: object; header?: object; key?: KeyObject | Uint8Array }): Promise<string>
  /** From now on the token endpoint answers with this ID token, whatever code it is asked with. */
  answerWith(idToken: string): void
  /** From now on it answers with this ID token whoever brings the code that this gives, as often as it is brought. */
  codeFor(idToken: string): string
  close(): Promise<void>
}

export const CLIENT_ID = 'micromart'

const answerOf = (idToken: string | undefined) =>
  idToken === undefined
    ? { error: 'invalid_grant' }
    : { access_token: 'an-access-token', token_type: 'bearer', id_token: idToken }

/** A provider that says whatever a test wants: what no honest one would say. */
export async function startScriptedIssuer(): Promise<ScriptedIssuer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const publicJwk = { ...(await exportJWK(publicKey)), kid: 'scripted', alg: 'RS256', use: 'sig' }
  const asked: string[] = []
  const metadata = (changes: object = {}) => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    id_token_signing_alg_values_supported: ['RS256'],
    authorization_response_iss_parameter_supported: true,
    ...changes,
  })
  const tokens = new Map<string, string>()
  const pages: Record<string, Page> = {
    '/.well-known/openid-configuration': () => metadata(),
    '/jwks': () => ({ keys: [publicJwk] }),
    '/token': (_request, _response, body) => answerOf(tokens.get(new URLSearchParams(body).get('code') ?? '')),
  }
  server.on('request', (request, response) => {
    const path = request.url?.split('?')[0] ?? ''
    asked.push(`${request.method} ${path}`)
    void text(request).then(async (body) => {
      const page = pages[path]
      if (!page) return response.writeHead(404).end()
      const answer = await page(request, response, body)
      if (answer !== undefined) response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  const nowS = () => Math.floor(Date.now() / 1_000)
  return {
    issuer,
    privateKey,
    publicJwk,
    asked,
    pages,
    metadata,
    idToken: (nonce, { claims = {}, header = {}, key = privateKey } = {}) => {
      const good = { iss: issuer, aud: CLIENT_ID, sub: 'eve', nonce, iat: nowS(), exp: nowS() + 300 }
      const protectedHeader = { alg: 'RS256', kid: 'scripted', ...header } as JWTHeaderParameters
      return new SignJWT({ ...good, email: 'eve@example.com', email_verified: true, ...claims })
        .setProtectedHeader(protectedHeader)
        .sign(key)
    },
    answerWith: (idToken) => {
      pages['/token'] = () => answerOf(idToken)
    },
    codeFor: (idToken) => {
      const code = randomUUID()
      tokens.set(code, idToken)
      return code
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
