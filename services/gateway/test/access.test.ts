import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ask, clock, nowhere, route, startGatewayTo, startIssuer, startService } from './gateway-harness.ts'

const routes = [
  route('GET /open'),
  route('GET /mine', { access: 'signed-in' }),
  route('GET /shop', { access: 'stock:write' }),
  route('GET /house', { access: 'roles:write' }),
]
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const nowS = Math.floor(clock.now().getTime() / 1_000)

describe('who may ask', () => {
  test('a token that is not good opens nothing, not even what is open to all', async (t) => {
    const issuer = await startIssuer(t)
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes, jwksUrl: issuer.jwksUrl })
    const [header = '', payload = '', signature = ''] = (await issuer.sign()).split('.')
    const forged = {
      'no signature': `${header}.${payload}.`,
      'two parts': `${header}.${payload}`,
      'not a token': 'x',
      'alg none': `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
      'alg None with a signature': `${encode({ alg: 'None', typ: 'at+jwt', kid: 'test' })}.${payload}.${signature}`,
      'alg HS256': `${encode({ alg: 'HS256', typ: 'at+jwt', kid: 'test' })}.${payload}.${signature}`,
      'other claims': `${header}.${encode({ sub: 'a', roles: ['admin'] })}.${signature}`,
      "somebody else's key": await issuer.sign({ withKeyOf: 'somebody else' }),
      'unknown key': await issuer.sign({ header: { kid: 'unknown' } }),
      'an id token': await issuer.sign({ header: { typ: 'JWT' } }),
      'wrong issuer': await issuer.sign({ claims: { iss: 'somebody' } }),
      'wrong audience': await issuer.sign({ claims: { aud: 'another-api' } }),
      'ended just now': await issuer.sign({ claims: { exp: nowS } }),
      'not yet begun': await issuer.sign({ claims: { nbf: nowS + 60 } }),
      'without end': await issuer.sign({ claims: { exp: undefined } }),
      'of nobody': await issuer.sign({ claims: { sub: undefined } }),
      'of an empty name': await issuer.sign({ claims: { sub: '' } }),
      'of a number': await issuer.sign({ claims: { sub: 1 } }),
    }
    for (const [name, token] of Object.entries(forged))
      for (const path of ['/mine', '/open']) {
        const { status, headers, body } = await ask(url, { path, token })
        assert.deepEqual([status, body.status, body.code], [401, 401, 'auth.invalid-token'], name)
        assert.equal(headers['content-type'], 'application/problem+json')
        assert.equal(headers['www-authenticate'], 'Bearer')
      }
    assert.deepEqual(service.seen, [])
  })

  test('an Authorization header of another kind is refused, not ignored', async (t) => {
    const issuer = await startIssuer(t)
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes, jwksUrl: issuer.jwksUrl })
    const good = await issuer.sign()
    for (const authorization of ['Basic YTpi', 'Bearer', `Bearer ${good} x`, `Bearer ${good}, Bearer x`, good, '']) {
      const { status, body } = await ask(url, { path: '/open', headers: { authorization } })
      assert.deepEqual([status, body.code], [401, 'auth.invalid-token'], authorization)
    }
    assert.deepEqual(service.seen, [])
  })

  test('each role opens what is its own and below', async (t) => {
    const issuer = await startIssuer(t)
    const service = await startService(t)
    const url = await startGatewayTo(t, { url: service.url, routes, jwksUrl: issuer.jwksUrl })
    const outcomes = async (token?: string) => {
      const codes: unknown[] = []
      for (const { path } of routes) {
        const { status, body } = await ask(url, { path, ...(token ? { token } : {}) })
        codes.push(status === 200 ? 200 : [status, body.code])
      }
      return codes
    }
    const signIn = [401, 'auth.required']
    const forbidden = [403, 'auth.forbidden']
    assert.deepEqual(await outcomes(), [200, signIn, signIn, signIn])
    assert.deepEqual(await outcomes(await issuer.as()), [200, 200, forbidden, forbidden])
    assert.deepEqual(await outcomes(await issuer.as('customer', 'root')), [200, 200, forbidden, forbidden])
    assert.deepEqual(await outcomes(await issuer.sign({ claims: { roles: 'admin' } })), [
      200,
      200,
      forbidden,
      forbidden,
    ])
    assert.deepEqual(await outcomes(await issuer.as('staff')), [200, 200, 200, forbidden])
    assert.deepEqual(await outcomes(await issuer.as('admin')), [200, 200, 200, 200])
    assert.equal(service.seen.length, 1 + 3 * 2 + 3 + 4)
  })

  test('while the keys cannot be had, tokens are refused for now and the open part stays open', async (t) => {
    const service = await startService(t)
    const issuer = await startIssuer(t)
    const url = await startGatewayTo(t, { url: service.url, routes, jwksUrl: nowhere })
    const { status, headers, body } = await ask(url, { path: '/mine', token: await issuer.sign() })
    assert.deepEqual([status, headers['retry-after'], body.code], [503, '1', 'auth.unavailable'])
    assert.deepEqual(service.seen, [])
    assert.equal((await ask(url, { path: '/open' })).status, 200)
  })
})
