import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveSku, distinctSku } from './derive-sku.ts'

test('a derived SKU spells handle and options in upper-case kebab', () => {
  assert.equal(deriveSku('linen-apron', []), 'LINEN-APRON')
  assert.equal(deriveSku('linen-apron', ['Extra Large', 'Crème & Sand']), 'LINEN-APRON-EXTRA-LARGE-CREME-SAND')
})

test('what cannot be spelled plainly stays distinct', () => {
  const skus = ['赤', '青', 'ø', 'æ', '×', ''].map((value) => deriveSku('hat', [value]))
  assert.equal(new Set(skus).size, skus.length)
  assert.match(deriveSku('帽子', []), /^[0-9A-F]{8}$/)
})

test('long ones are cut at 64 characters and stay distinct', () => {
  const [one, other] = [deriveSku('x'.repeat(80), ['a']), deriveSku('x'.repeat(80), ['b'])]
  assert.notEqual(one, other)
  assert.deepEqual([one.length, other.length], [64, 64])
})

test('the digest tells where handle and options meet', () => {
  assert.equal(deriveSku('a-b', ['c']), deriveSku('a', ['b c']))
  assert.notEqual(distinctSku('a-b', ['c']), distinctSku('a', ['b c']))
})
