import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parseProviders } from './provider-config.ts'

const inProduction = { isProduction: true, publicUrl: 'https://shop.example' }
const developing = { isProduction: false, publicUrl: 'http://127.0.0.1:3000' }
const google = { name: 'google', issuer: 'https://accounts.google.com', clientId: 'id', clientSecret: 'hush-hush' }
const faultsOf = (providers: unknown, where = inProduction) => {
  try {
    parseProviders(typeof providers === 'string' ? providers : JSON.stringify(providers), where)
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'config.invalid')
    return (error as Error).message
  }
  return 'none'
}

describe('the providers of the configuration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'micromart-providers-'))
  after(() => rmSync(folder, { recursive: true }))

  test('any issuer, and GitHub, which has known addresses', () => {
    const secretFile = join(folder, 'secret')
    writeFileSync(secretFile, 'from a file\n')
    const github = { name: 'github', kind: 'github', label: 'GitHub', clientId: 'id', clientSecretFile: secretFile }
    const providers = parseProviders(JSON.stringify([google, github]), inProduction)
    assert.deepEqual(
      providers.map(({ name, label, kind, issuer, clientSecret }) => [name, label, kind, issuer, clientSecret]),
      [
        ['google', 'google', 'oidc', 'https://accounts.google.com', 'hush-hush'],
        ['github', 'GitHub', 'github', 'https://github.com', 'from a file'],
      ],
    )
    assert.deepEqual(parseProviders(' ', inProduction), [])
  })

  test('every fault is named, and no secret is', () => {
    const { clientSecret, ...noSecret } = google
    const { issuer, ...noIssuer } = google
    const cases: readonly [unknown, RegExp][] = [
      ['{', /not a JSON array/],
      ['[hush-hush', /not a JSON array/],
      [google, /not a JSON array/],
      [[{ ...google, name: 'Google!' }], /USER_OIDC_PROVIDERS\[0\]\/name/],
      [[{ ...google, extra: 1 }], /unknown fields: extra/],
      [[{ ...google, kind: 'saml' }], /\/kind/],
      [[noIssuer], /has no issuer/],
      [[noSecret], /either clientSecret or clientSecretFile/],
      [[{ ...google, clientSecretFile: '/x' }], /either clientSecret or clientSecretFile/],
      [[{ ...noSecret, clientSecretFile: join(folder, 'none') }], /clientSecretFile cannot be read: ENOENT/],
      [[{ ...google, issuer: 'http://accounts.google.com' }], /issuer is not an https address/],
      [[{ ...google, issuer: 'accounts.google.com' }], /issuer is not an https address/],
      [[{ ...google, issuer: 'http://127.0.0.1:4000' }], /issuer is not an https address/],
      [[google, google], /names a provider twice/],
    ]
    for (const [providers, fault] of cases) {
      assert.match(faultsOf(providers), fault)
      assert.ok(!faultsOf(providers).includes('hush-hush'))
    }
  })

  test('plain http is for this machine alone, and for developing', () => {
    const local = { ...google, issuer: 'http://127.0.0.1:4000' }
    assert.equal(faultsOf([local], developing), 'none')
    assert.match(faultsOf([{ ...google, issuer: 'http://10.0.0.1' }], developing), /issuer is not an https address/)
    assert.match(faultsOf([{ ...google, issuer: 'http://127.0.0.1.evil.example' }], developing), /issuer is not/)
    assert.match(faultsOf([google], { ...inProduction, publicUrl: 'http://shop.example' }), /PUBLIC_URL with https/)
    assert.equal(faultsOf([], { ...inProduction, publicUrl: 'http://shop.example' }), 'none')
  })
})
