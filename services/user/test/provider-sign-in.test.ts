import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { authenticatorApp } from '@micromart/testkit/authenticator-app'
import { type HttpCall, type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { user } from '../src/main.ts'
import { signsInAtOnce } from './account-harness.ts'
import { type Browser, openBrowser } from './browser.ts'
import { type LocalAccount, type LocalIssuer, startLocalIssuer } from './local-issuer.ts'

const SHOP = 'https://shop.example'
const CALLBACK = '/api/v1/auth/oidc/local/callback'
const START = '/api/v1/auth/oidc/local'
const IDENTITIES = '/api/v1/users/me/identities'
const PASSWORD = 'correct-horse-battery'

describe('signing in with a provider', () => {
  let h: ServiceHarness
  let local: LocalIssuer
  let other: LocalIssuer
  before(async () => {
    local = await startLocalIssuer({ redirectUri: `${SHOP}${CALLBACK}` })
    other = await startLocalIssuer({ redirectUri: `${SHOP}/api/v1/auth/oidc/other/callback` })
    const configOf = (name: string, { issuer, clientId, clientSecret }: LocalIssuer) => ({
      ...{ name, issuer, clientId, clientSecret, privateNetwork: true },
    })
    const providers = [{ ...configOf('local', local), label: 'Local ID' }, configOf('other', other)]
    h = await startServiceForTest(user, {
      ownKeys: true,
      env: {
        PUBLIC_URL: SHOP,
        USER_OIDC_PROVIDERS: JSON.stringify(providers),
        USER_SECRETS_KEY: randomBytes(32).toString('base64url'),
        USER_TOKEN_TTL_S: '86400',
        ...signsInAtOnce,
      },
    })
    h.clock.advance(Date.now() - h.clock.now().getTime()) // the issuers live in real time
  })
  after(async () => {
    await h.close()
    await Promise.all([local.close(), other.close()])
  })

  const person = (changes: Partial<LocalAccount> = {}): LocalAccount => {
    const subject = randomUUID()
    return { subject, email: `${subject}@example.com`, emailVerified: true, name: 'Ada', ...changes }
  }
  const post = (url: string, body: unknown, rest: Partial<HttpCall> = {}) =>
    h.call({ method: 'POST', url, body, ...rest })
  const codeOf = ({ status, body }: { status: number; body?: { code?: string } }) => [status, body?.code]
  const here = (url: string) => url.replace(SHOP, h.url)
  const register = async (email = `${randomUUID()}@example.com`) => {
    const { body } = await post('/api/v1/auth/register', { email, password: PASSWORD, name: 'Ada' })
    return { email, id: body.user.id as string, token: body.accessToken as string }
  }
  const markVerified = (id: string) =>
    h.database.execute('UPDATE users SET email_verified_at = $2 WHERE id = $1', [id, h.clock.now()])

  /** The browser goes to the provider and comes back; the address of the callback, not gone to yet. */
  const bringBack = async (browser: Browser, who: LocalAccount | undefined, { start = START, at = local } = {}) => {
    at.person = who
    const away = await browser.go(`${h.url}${start}`)
    assert.equal(away.status, 303)
    return browser.followTo(away.headers.get('location') ?? '', SHOP)
  }
  const json = async (response: Response) => {
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  const finish = async (browser: Browser, url = '/api/v1/auth/login/provider', headers = {}) =>
    json(await browser.go(`${h.url}${url}`, { method: 'POST', headers }))
  const signIn = async (who: LocalAccount | undefined, browser = openBrowser()) => {
    const back = await bringBack(browser, who)
    const returned = await browser.go(here(back))
    assert.equal(returned.status, 303)
    return finish(browser)
  }
  const beginLink = async (browser: Browser, token: string, body: object = { provider: 'local', password: PASSWORD }) =>
    json(
      await browser.go(`${h.url}${IDENTITIES}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      }),
    )
  const link = async (token: string, who: LocalAccount, browser = openBrowser()) => {
    const begun = await beginLink(browser, token)
    assert.equal(begun.status, 200)
    local.person = who
    await browser.go(here(await browser.followTo(begun.body.authorizationUrl, SHOP)))
    return finish(browser, `${IDENTITIES}/complete`, { authorization: `Bearer ${token}` })
  }
  const identitiesOf = async (token: string) => (await h.call({ method: 'GET', url: IDENTITIES, token })).body.items
  const actionsOn = async (id: string) =>
    (
      await h.database.query<{ action: string }>(
        `SELECT action FROM audit_log WHERE subject = $1 AND action LIKE 'user.identity%' ORDER BY sequence`,
        [id],
      )
    ).map(({ action }) => action)

  test('lists what one can sign in with', async () => {
    const { body } = await h.call({ method: 'GET', url: '/api/v1/auth/oidc' })
    assert.deepEqual(body, {
      items: [
        { name: 'local', label: 'Local ID' },
        { name: 'other', label: 'other' },
      ],
    })
  })

  test('somebody new gets an account with a proven address, and the same one the next time', async () => {
    const ada = person({ email: `${randomUUID()}@Example.COM` })
    const first = await signIn(ada)
    assert.deepEqual([first.status, first.headers.get('cache-control')], [200, 'no-store'])
    const { user: account, accessToken } = first.body
    assert.deepEqual(account, {
      ...account,
      ...{ email: ada.email?.toLowerCase(), name: 'Ada', roles: ['customer'] },
    })
    assert.equal((await h.call({ method: 'GET', url: '/api/v1/users/me', token: accessToken })).status, 200)
    // the provider's subject is who it is, not the address
    const again = await signIn({ ...ada, email: `${randomUUID()}@example.com` })
    assert.equal(again.body.user.id, account.id)
    const [stored] = await h.database.query('SELECT password_hash, email_verified_at FROM users WHERE id = $1', [
      account.id,
    ])
    assert.equal(stored?.['password_hash'], null)
    assert.ok(stored?.['email_verified_at'])
    const login = await post('/api/v1/auth/login', { email: account.email, password: PASSWORD })
    assert.deepEqual(codeOf(login), [401, 'user.bad-credentials'])
    assert.deepEqual(await actionsOn(account.id), ['user.identity-linked'])
  })

  test('the cookie is bound to the host, and nothing that opens anything is in an address or in the store', async () => {
    const browser = openBrowser()
    local.person = person()
    const away = await browser.go(`${h.url}${START}?returnTo=/account?tab=1`)
    assert.deepEqual([away.status, away.headers.get('cache-control')], [303, 'no-store'])
    const [cookie = ''] = away.headers.getSetCookie()
    assert.match(cookie, /^__Host-micromart-provider=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/)
    const secret = cookie.split(/[=;]/)[1] ?? ''
    const authorization = away.headers.get('location') ?? ''
    assert.ok(authorization.startsWith(`${local.issuer}/`))
    assert.ok(!authorization.includes(secret))
    const back = await browser.followTo(authorization, SHOP)
    const returned = await browser.go(here(back))
    assert.deepEqual([returned.status, returned.headers.get('location')], [303, `${SHOP}/account?tab=1`])
    assert.equal(returned.headers.get('referrer-policy'), 'no-referrer')
    const stored = JSON.stringify(await h.database.query('SELECT t::text FROM provider_rounds t'))
    const asked = new URL(authorization).searchParams
    for (const hidden of [secret, asked.get('state'), asked.get('nonce'), local.person.email, local.person.subject])
      assert.ok(!stored.includes(String(hidden)))
    const finished = await finish(browser)
    assert.equal(finished.status, 200)
    assert.match(finished.headers.getSetCookie()[0] ?? '', /^__Host-micromart-provider=; .*Max-Age=0$/)
    assert.deepEqual(
      await h.database.query('SELECT 1 FROM provider_rounds WHERE return_to = $1', ['/account?tab=1']),
      [],
    )
  })

  test('the address to come back to is the configured one, whatever the Host says', async () => {
    const lies = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http', forwarded: 'host=evil.example' }
    const away = await openBrowser().go(`${h.url}${START}`, { headers: lies })
    const asked = new URL(away.headers.get('location') ?? '').searchParams
    assert.equal(asked.get('redirect_uri'), `${SHOP}${CALLBACK}`)
  })

  test('somebody else cannot be signed in by an address (login CSRF), nor an answer be used twice', async () => {
    const eve = openBrowser()
    const answer = await bringBack(eve, person())
    const victim = openBrowser()
    assert.deepEqual(codeOf(await json(await victim.go(here(answer)))), [400, 'user.provider-round-unknown'])
    await victim.go(`${h.url}${START}`) // has a cookie now, of another trip
    assert.deepEqual(codeOf(await json(await victim.go(here(answer)))), [400, 'user.provider-round-unknown'])
    assert.deepEqual(codeOf(await finish(victim)), [400, 'user.provider-round-unknown'])
    assert.equal((await eve.go(here(answer))).status, 303)
    assert.deepEqual(codeOf(await json(await eve.go(here(answer)))), [400, 'user.provider-round-unknown'])
    assert.equal((await finish(eve)).status, 200)
    assert.deepEqual(codeOf(await finish(eve)), [400, 'user.provider-round-unknown'])
  })

  test('an answer to one trip opens no session in another, also when both come at the same moment', async () => {
    const browser = openBrowser()
    const answer = await bringBack(browser, person())
    const both = await Promise.all([browser.go(here(answer)), browser.go(here(answer))])
    assert.deepEqual(both.map(({ status }) => status).sort(), [303, 400])
    const cookie = browser.cookies(h.url)
    const [one, two] = [openBrowser(), openBrowser()]
    const finished = await Promise.all(
      [one, two].map(({ go }) => go(`${h.url}/api/v1/auth/login/provider`, { method: 'POST', headers: { cookie } })),
    )
    assert.deepEqual(finished.map(({ status }) => status).sort(), [200, 400])
  })

  test('a trip that was begun with one provider is not finished by another (mix-up)', async () => {
    const browser = openBrowser()
    const answer = await bringBack(browser, person())
    const elsewhere = here(answer).replace('/oidc/local/', '/oidc/other/')
    assert.deepEqual(codeOf(await json(await browser.go(elsewhere))), [400, 'user.provider-round-unknown'])
    const named = new URL(here(answer))
    named.searchParams.set('iss', other.issuer)
    assert.equal((await browser.go(named.href)).status, 303)
    assert.deepEqual(codeOf(await finish(browser)), [400, 'user.provider-answer-invalid'])
  })

  test('a trip is over after ten minutes, on either side', async () => {
    const [away, back] = [openBrowser(), openBrowser()]
    const answers = [await bringBack(away, person()), await bringBack(back, person())]
    await back.go(here(answers[1] ?? ''))
    h.clock.advance(600_001)
    assert.deepEqual(codeOf(await json(await away.go(here(answers[0] ?? '')))), [400, 'user.provider-round-unknown'])
    assert.deepEqual(codeOf(await finish(back)), [400, 'user.provider-round-unknown'])
  })

  test('who does not agree, or whom the provider does not vouch for, is told so', async () => {
    assert.deepEqual(codeOf(await signIn(undefined)), [403, 'user.provider-denied'])
    const before = await h.database.query('SELECT count(*) AS n FROM users')
    const changes = [{ emailVerified: false }, { email: 'not an address' }]
    for (const change of changes)
      assert.deepEqual(
        codeOf(await signIn(person(change))),
        [403, 'user.provider-email-unverified'],
        JSON.stringify(change),
      )
    assert.deepEqual(await h.database.query('SELECT count(*) AS n FROM users'), before)
  })

  test('an account that was opened under my address before me does not become the one I sign in to (pre-hijacking)', async () => {
    const ada = person()
    const squatter = await register(ada.email)
    assert.deepEqual(codeOf(await signIn(ada)), [409, 'user.identity-needs-link'])
    assert.deepEqual(await identitiesOf(squatter.token), [])
    await markVerified(squatter.id)
    const signedIn = await signIn(ada)
    assert.deepEqual([signedIn.status, signedIn.body.user.id], [200, squatter.id])
    assert.deepEqual(await actionsOn(squatter.id), ['user.identity-linked'])
  })

  test('an address that the provider does not vouch for links to nobody', async () => {
    const owner = await register()
    await markVerified(owner.id)
    const eve = person({ email: owner.email, emailVerified: false })
    assert.deepEqual(codeOf(await signIn(eve)), [403, 'user.provider-email-unverified'])
    assert.deepEqual(await identitiesOf(owner.token), [])
  })

  test('the same subject at another issuer is somebody else', async () => {
    const ada = person()
    const first = await signIn(ada)
    const browser = openBrowser()
    const impostor = { ...ada, email: `${randomUUID()}@example.com` }
    await browser.go(here(await bringBack(browser, impostor, { start: '/api/v1/auth/oidc/other', at: other })))
    const second = await finish(browser)
    assert.equal(second.status, 200)
    assert.notEqual(second.body.user.id, first.body.user.id)
  })

  test('two first sign-ins at the same moment make one account', async () => {
    const ada = person()
    const browsers = [openBrowser(), openBrowser(), openBrowser()]
    for (const browser of browsers) await browser.go(here(await bringBack(browser, ada)))
    const finished = await Promise.all(browsers.map((browser) => finish(browser)))
    assert.deepEqual(
      finished.map(({ status }) => status),
      [200, 200, 200],
    )
    assert.equal(new Set(finished.map(({ body }) => body.user.id)).size, 1)
  })

  test('a second factor is asked for here too', async () => {
    const owner = await register()
    await markVerified(owner.id)
    const enrolled = await post('/api/v1/users/me/second-factor/totp', { password: PASSWORD }, { token: owner.token })
    const app = authenticatorApp({ secret: enrolled.body.secret, clock: h.clock })
    await post('/api/v1/users/me/second-factor/totp/confirm', { code: app.code() }, { token: owner.token })
    const owed = await signIn(person({ email: owner.email }))
    assert.deepEqual([owed.status, Object.keys(owed.body).sort()], [202, ['challenge', 'expiresIn']])
    const answer = { challenge: owed.body.challenge, code: app.code(1) }
    const signedIn = await post('/api/v1/auth/login/second-factor', answer)
    assert.deepEqual([signedIn.status, signedIn.body.user.id], [200, owner.id])
  })

  test('an owner adds a provider with the password, whatever its address, and takes it away again', async () => {
    const owner = await register()
    assert.deepEqual(codeOf(await beginLink(openBrowser(), owner.token, { provider: 'local', password: 'a guess' })), [
      403,
      'user.wrong-password',
    ])
    assert.deepEqual(codeOf(await beginLink(openBrowser(), owner.token, { provider: 'local' })), [
      400,
      'request.invalid',
    ])
    const ada = person()
    assert.equal((await link(owner.token, ada)).status, 204)
    assert.equal((await link(owner.token, ada)).status, 204)
    const [identity, ...none] = await identitiesOf(owner.token)
    assert.deepEqual([none, identity.provider], [[], 'local'])
    assert.equal((await signIn(ada)).body.user.id, owner.id)
    const remove = (id: string, token = owner.token) => h.call({ method: 'DELETE', url: `${IDENTITIES}/${id}`, token })
    const stranger = await register()
    for (const [id, token] of [
      [identity.id, stranger.token],
      [randomUUID(), owner.token],
      ['x', owner.token],
    ])
      assert.deepEqual(codeOf(await remove(id, token)), [404, 'user.identity-unknown'])
    assert.equal((await remove(identity.id)).status, 204)
    assert.deepEqual(await identitiesOf(owner.token), [])
    assert.deepEqual(await actionsOn(owner.id), ['user.identity-linked', 'user.identity-unlinked'])
    const fresh = await signIn(ada)
    assert.notEqual(fresh.body.user.id, owner.id)
    assert.deepEqual(codeOf(await link(owner.token, ada)), [409, 'user.identity-taken'])
  })

  test('what one owner began, no other finishes, nor does it sign anybody in', async () => {
    const [owner, eve] = [await register(), await register()]
    const browser = openBrowser()
    const begun = await beginLink(browser, owner.token)
    local.person = person()
    await browser.go(here(await browser.followTo(begun.body.authorizationUrl, SHOP)))
    const cookie = browser.cookies(h.url)
    const elsewhere = (url: string, headers = {}) =>
      openBrowser()
        .go(`${h.url}${url}`, { method: 'POST', headers: { cookie, ...headers } })
        .then(json)
    const asEve = { authorization: `Bearer ${eve.token}` }
    assert.deepEqual(codeOf(await elsewhere(`${IDENTITIES}/complete`, asEve)), [400, 'user.provider-round-unknown'])
    assert.deepEqual(codeOf(await elsewhere('/api/v1/auth/login/provider')), [400, 'user.provider-round-unknown'])
    assert.equal((await elsewhere(`${IDENTITIES}/complete`)).status, 401)
    const asOwner = { authorization: `Bearer ${owner.token}` }
    assert.equal((await elsewhere(`${IDENTITIES}/complete`, asOwner)).status, 204)
  })

  test('the last way in stays, also when two are taken away at the same moment', async () => {
    const ada = person()
    const { body } = await signIn(ada)
    const token = body.accessToken as string
    const [only] = await identitiesOf(token)
    const remove = (id: string) => h.call({ method: 'DELETE', url: `${IDENTITIES}/${id}`, token })
    assert.deepEqual(codeOf(await remove(only.id)), [409, 'user.identity-last'])
    const second = randomUUID()
    await h.database.execute(
      `INSERT INTO identities (id, user_id, provider, issuer, subject, linked_at) VALUES ($1, $2, 'other', $3, $4, now())`,
      [second, body.user.id, other.issuer, ada.subject],
    )
    const answers = await Promise.all([remove(only.id), remove(second)])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 409])
    assert.equal((await identitiesOf(token)).length, 1)
  })

  test('bad input has its code and goes nowhere', async () => {
    const get = (url: string, headers = {}) => h.call({ method: 'GET', url, headers })
    for (const returnTo of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '/%09/evil%0d%0aset-cookie:x',
      'x',
      '/ x',
    ])
      assert.deepEqual(
        codeOf(await get(`${START}?returnTo=${returnTo.startsWith('/%') ? returnTo : encodeURIComponent(returnTo)}`)),
        [400, 'request.invalid'],
        returnTo,
      )
    assert.deepEqual(codeOf(await get(`${START}?ownerId=x`)), [400, 'request.invalid'])
    assert.deepEqual(codeOf(await get('/api/v1/auth/oidc/nobody')), [404, 'user.provider-unknown'])
    assert.deepEqual(codeOf(await get('/api/v1/auth/oidc/..%2f..')), [400, 'request.invalid'])
    assert.deepEqual(codeOf(await get(CALLBACK)), [400, 'user.provider-round-unknown'])
    const name = '__Host-micromart-provider'
    for (const cookie of [
      `${name}=x`,
      `${name}=${'a'.repeat(43)}; ${name}=${'b'.repeat(43)}`,
      `x${name}=${'a'.repeat(43)}`,
      `${name}=${'a'.repeat(43)}`,
    ])
      assert.deepEqual(
        codeOf(await get(`${CALLBACK}?code=a&state=b`, { cookie })),
        [400, 'user.provider-round-unknown'],
        cookie,
      )
  })
})
