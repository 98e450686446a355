import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { prefixQuery } from './search-terms.ts'

test('words become prefixes, everything else parts them', () => {
  assert.deepEqual(prefixQuery(' Enamel  MUG-white '), {
    prefixes: 'enamel:* & mug:* & white:*',
    words: 'enamel & mug & white',
  })
  assert.equal(prefixQuery('Grün 茶')?.words, 'grün & 茶')
  assert.equal(prefixQuery(` !&|():*<->'"\\ `), undefined)
})

test('whatever is asked, no operator gets through and the words are few', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const words = prefixQuery(text)?.words.split(' & ') ?? []
      assert.ok(words.length <= 10 && words.every((word) => /^[\p{L}\p{M}\p{N}]+$/u.test(word)))
    }),
  )
})
