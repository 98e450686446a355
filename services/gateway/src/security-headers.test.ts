import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isPersonal, secureHeaders } from './security-headers.ts'

const secure = secureHeaders({ hstsS: 31_536_000 })
const open = { isSecure: false, isPersonal: false }

function after(headers: string[], kind = open): Map<string, string> {
  secure(headers, kind)
  const pairs = Array.from({ length: headers.length / 2 }, (_, index) => headers.slice(index * 2, index * 2 + 2))
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, 'each header once')
  return new Map(pairs as [string, string][])
}

describe('security headers', () => {
  test('an answer may not be guessed at, framed, or loaded into other pages', () => {
    assert.deepEqual([...after([]).keys()].sort(), [
      'content-security-policy',
      'cross-origin-resource-policy',
      'referrer-policy',
      'x-content-type-options',
    ])
  })

  test('what the maker of an answer says stands', () => {
    const own = after(['content-security-policy', "default-src 'self'", 'cache-control', 'public, max-age=60'], {
      ...open,
      isPersonal: true,
    })
    assert.equal(own.get('content-security-policy'), "default-src 'self'")
    assert.equal(own.get('cache-control'), 'public, max-age=60')
  })

  test('personal answers are kept by nobody', () => {
    assert.equal(after([], { ...open, isPersonal: true }).get('cache-control'), 'no-store')
    assert.equal(after([]).get('cache-control'), undefined)
    for (const headers of [{ authorization: 'Bearer x' }, { 'cart-token': 'x' }, { cookie: 'a=1' }])
      assert.equal(isPersonal(headers), true)
    assert.equal(isPersonal({}), false)
  })

  test('TLS only is said over TLS only, and not when it is switched off', () => {
    const said = (kind = open) => after([], kind).get('strict-transport-security')
    assert.equal(said(), undefined)
    assert.equal(said({ ...open, isSecure: true }), 'max-age=31536000; includeSubDomains')
    const headers: string[] = []
    secureHeaders({ hstsS: 0 })(headers, { ...open, isSecure: true })
    assert.ok(!headers.includes('strict-transport-security'))
  })

  test('what tells of the inside is taken away', () => {
    const headers = [
      'server',
      'nginx/1',
      'x-powered-by',
      'Express',
      'x-kept',
      '1',
      'via',
      '1.1 inside',
      'x-runtime',
      '2',
    ]
    assert.deepEqual([...after(headers).keys()].slice(0, 1), ['x-kept'])
  })
})
