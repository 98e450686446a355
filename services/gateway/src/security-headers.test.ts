import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isPersonal, securityHeaders } from './security-headers.ts'

const open = { isSecure: false, isPersonal: false }

function said(kind: Partial<typeof open>, hstsS = 31_536_000): Map<string, string> {
  const headers = securityHeaders({ hstsS })({ ...open, ...kind })
  const pairs = Array.from({ length: headers.length / 2 }, (_, index) => headers.slice(index * 2, index * 2 + 2))
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, 'each header once')
  return new Map(pairs as [string, string][])
}

describe('security headers', () => {
  test('an answer may not be guessed at, framed, or loaded into other pages', () => {
    assert.deepEqual(Object.fromEntries(said({})), {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
    })
  })

  test('personal answers are kept by nobody', () => {
    assert.equal(said({ isPersonal: true }).get('cache-control'), 'no-store')
    assert.equal(said({ isPersonal: true, isSecure: true }).get('cache-control'), 'no-store')
    for (const headers of [{ authorization: 'Bearer x' }, { 'cart-token': 'x' }, { cookie: 'a=1' }])
      assert.equal(isPersonal(headers), true)
    assert.equal(isPersonal({}), false)
  })

  test('TLS only is said over TLS only, and not when it is switched off', () => {
    const name = 'strict-transport-security'
    for (const isOwn of [false, true]) {
      assert.equal(said({ isPersonal: isOwn }).get(name), undefined)
      assert.equal(said({ isPersonal: isOwn, isSecure: true }).get(name), 'max-age=31536000; includeSubDomains')
      assert.equal(said({ isPersonal: isOwn, isSecure: true }, 0).get(name), undefined)
    }
  })
})
