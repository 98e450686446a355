import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { canonicalQuery } from './query-key.ts'

const names = ['q', 'limit', 'after']

describe('a query in its one spelling', () => {
  const cases: readonly (readonly [query: string, canonical: string | undefined])[] = [
    ['', ''],
    ['limit=20', 'limit=20'],
    ['q=mug&limit=20', 'limit=20&q=mug'],
    ['limit=20&q=mug', 'limit=20&q=mug'],
    ['&limit=20&&q=mug&', 'limit=20&q=mug'],
    ['q=blue+mug', 'q=blue%20mug'],
    ['q=blue%20mug', 'q=blue%20mug'],
    ['%71=m%75g', 'q=mug'],
    ['q', 'q='],
    ['q=a=b', 'q=a%3Db'],
    ['q=a%26limit=1', 'q=a%26limit%3D1'],
    ['q=a;limit=1', 'q=a%3Blimit%3D1'],
    ['q=1&q=2', 'q=1&q=2'],
    ['q=2&q=1', 'q=2&q=1'],
    ['q[]=1', undefined],
    ['Q=1', undefined],
    ['utm_source=x', undefined],
    ['limit=20&callback=x', undefined],
    ['q=%', undefined],
    ['q=%ff', undefined],
    ['__proto__=1', undefined],
  ]
  for (const [query, canonical] of cases)
    test(`${query || 'none'}: ${canonical ?? 'has none'}`, () => assert.equal(canonicalQuery(query, names), canonical))

  test('says the same as the query, and stays as it is', () => {
    const pair = fc.tuple(fc.constantFrom(...names), fc.string({ unit: 'grapheme', maxLength: 20 }))
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 5 }), (pairs) => {
        const query = new URLSearchParams(pairs.map(([name, value]) => [name, value])).toString()
        const canonical = canonicalQuery(query, names) ?? assert.fail(query)
        for (const name of names)
          assert.deepEqual(new URLSearchParams(canonical).getAll(name), new URLSearchParams(query).getAll(name))
        assert.equal(canonicalQuery(canonical, names), canonical)
      }),
    )
  })

  test('nothing that a client writes is an error', () => {
    fc.assert(fc.property(fc.string({ maxLength: 100 }), (query) => void canonicalQuery(query, names)))
  })
})
