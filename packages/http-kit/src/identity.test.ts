import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { allPermissions, permissionsOf, type Role } from '@micromart/contracts/permissions'
import { uuidV7 } from '@micromart/kernel/ids'
import { silentLogger } from '@micromart/telemetry/logger'
import { fakeClock } from '@micromart/testkit/fake-clock'
import { exportJWK, SignJWT } from 'jose'
import {
  actorOf,
  anonymous,
  type Caller,
  jwksVerifier,
  requireAccess,
  TOKEN_AUDIENCE,
  TOKEN_ISSUER,
} from './identity.ts'
import { buildHttp } from './server.ts'

const clock = fakeClock()

const person = (...roles: readonly Role[]): Caller => ({
  ...{ kind: 'user', userId: 'somebody', roles, sessionId: undefined },
  permissions: permissionsOf(roles),
})

const outcome = (work: () => void): string => {
  try {
    work()
    return 'allowed'
  } catch (error) {
    return (error as { refusal: { code: string } }).refusal.code
  }
}

test('what needs a permission is closed to everybody who lacks it', () => {
  const callers = [anonymous, person(), person('customer'), person('staff'), person('admin')]
  for (const permission of allPermissions)
    for (const caller of callers) {
      const has = caller.kind !== 'anonymous' && caller.permissions.includes(permission)
      const expected = has ? 'allowed' : caller.kind === 'anonymous' ? 'auth.required' : 'auth.forbidden'
      assert.equal(
        outcome(() => requireAccess(permission, caller)),
        expected,
      )
    }
})

test('an API key may do what its scope says, and nothing that belongs to a person', () => {
  const machine: Caller = { kind: 'machine', keyId: 'k1', permissions: ['stock:read'] }
  const tried = (['public', 'stock:read', 'stock:write', 'signed-in'] as const).map((access) =>
    outcome(() => requireAccess(access, machine)),
  )
  assert.deepEqual(tried, ['allowed', 'allowed', 'auth.forbidden', 'auth.forbidden'])
  assert.equal(actorOf(machine), 'api-key:k1')
  assert.equal(actorOf(person('staff')), 'somebody')
  assert.throws(() => actorOf(anonymous))
})

test('a route that does not say who may call it does not start', async () => {
  const verifyToken = async () => anonymous
  const http = await buildHttp({ service: 'test', log: silentLogger(), ids: uuidV7(clock), verifyToken })
  assert.throws(() => http.get('/things', async () => ({})), /GET \/things does not say who may call it/)
  http.get('/shelf', { config: { access: 'stock:read' }, schema: { tags: ['stock'] } }, async () => ({}))
  await http.ready()
  const { paths = {} } = (await http.inject('/openapi.json')).json()
  assert.equal(paths['/shelf'].get['x-access'], 'stock:read')
  await http.close()
})

test('a verified token says who it is: a person with roles and session, or an API key with its scope', async (t) => {
  const issuer = await startIssuer(t)
  const callerOf = async (claims: object) => issuer.verify(await issuer.sign(claims))
  assert.deepEqual(await callerOf({ roles: ['staff', 'root', 7], sid: 's1' }), {
    ...{ kind: 'user', userId: 'u1', roles: ['staff'], permissions: permissionsOf(['staff']), sessionId: 's1' },
  })
  for (const claims of [{}, { roles: 'admin' }, { roles: { admin: true } }, { scope: 'roles:write' }, { sid: ['s1'] }])
    assert.deepEqual(await callerOf(claims), {
      ...{ kind: 'user', userId: 'u1', roles: [], permissions: [], sessionId: undefined },
    })
  const machine = (permissions: readonly string[]) => ({ kind: 'machine', keyId: 'u1', permissions })
  const scope = 'stock:write catalogue:read root'
  assert.deepEqual(await callerOf({ client_id: 'u1', scope }), machine(['catalogue:read', 'stock:write']))
  for (const claims of [{ scope: ['stock:read'] }, { scope: 'stock:read,stock:write' }, { roles: ['admin'] }, {}])
    assert.deepEqual(await callerOf({ client_id: 'u1', ...claims }), machine([]))
})

/** Signs with a key of its own, which it gives out at a real address. */
async function startIssuer(t: TestContext) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'EdDSA', use: 'sig' }]
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys })))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const nowS = Math.floor(clock.now().getTime() / 1_000)
  return {
    verify: jwksVerifier({ jwksUrls: [jwksUrl], clock }),
    sign: (claims: object) =>
      new SignJWT({ iss: TOKEN_ISSUER, aud: TOKEN_AUDIENCE, sub: 'u1', iat: nowS, exp: nowS + 60, ...claims })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k' })
        .sign(privateKey),
  }
}
