import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createCors, originFaults } from './cors.ts'

const shop = 'https://shop.example'

describe('CORS', () => {
  test('without a list nobody is let in, and nothing is said', () => {
    const cors = createCors({ origins: [], credentials: false })
    assert.deepEqual(
      [cors.fieldsFor(shop), cors.fieldsFor(undefined), cors.preflightFor(shop, ['GET'])],
      [[], [], undefined],
    )
  })

  test('an origin on the list may read the answer and the headers that matter; every answer varies', () => {
    const cors = createCors({ origins: [shop], credentials: false })
    const fields = cors.fieldsFor(shop)
    assert.deepEqual(fields.slice(0, 4), ['vary', 'Origin', 'access-control-allow-origin', shop])
    assert.match(
      fields[fields.indexOf('access-control-expose-headers') + 1] ?? '',
      /etag.*ratelimit.*retry-after.*x-request-id/,
    )
    assert.ok(!fields.includes('access-control-allow-credentials'))
    for (const other of ['https://evil.example', 'http://shop.example', 'https://shop.example.evil', 'null', undefined])
      assert.deepEqual(cors.fieldsFor(other), ['vary', 'Origin'], `${other}`)
  })

  test('a preflight names methods and headers; for others there is none', () => {
    const cors = createCors({ origins: [shop], credentials: true })
    const fields = cors.preflightFor(shop, ['GET', 'PATCH']) ?? []
    const saidOf = (name: string) => fields[fields.indexOf(name) + 1]
    assert.equal(saidOf('access-control-allow-methods'), 'GET, PATCH')
    assert.match(saidOf('access-control-allow-headers') ?? '', /authorization.*cart-token.*idempotency-key/)
    assert.equal(saidOf('access-control-allow-credentials'), 'true')
    assert.equal(cors.preflightFor('https://evil.example', ['GET']), undefined)
  })

  test('any origin: without credentials, and the same answer for all', () => {
    const cors = createCors({ origins: ['*'], credentials: true })
    const fields = cors.fieldsFor('https://anyone.example')
    assert.deepEqual(fields.slice(0, 2), ['access-control-allow-origin', '*'])
    assert.ok(!fields.includes('access-control-allow-credentials') && !fields.includes('vary'))
  })

  test('a list that cannot be meant is refused with a reason', () => {
    assert.deepEqual(originFaults([shop, 'http://localhost:5173', '*'], false), [])
    for (const wrong of ['shop.example', 'https://shop.example/', 'https://shop.example/path', 'https://*.example', ''])
      assert.equal(originFaults([wrong], false).length, 1, wrong)
    assert.equal(originFaults(['*'], true).length, 1)
  })
})
