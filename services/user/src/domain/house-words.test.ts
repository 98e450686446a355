import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leansOnHouseWords } from './house-words.ts'

const leans = leansOnHouseWords(['micro', 'micromart', 'lilliput'])

test('a password that is little more than words of the house leans on them, however it is spelt', () => {
  for (const typed of [
    'micromart',
    'micromart123',
    'micromart2026!',
    'micromart-demo',
    'm1cr0m4rt!!',
    'lilliput1',
    '1i11iput22',
    'micromartlilliput',
    'my micromart',
  ])
    assert.equal(leans(typed), true, typed)
})

test('one that is long enough without them does not, nor one that has none of them', () => {
  for (const typed of ['micromart horse battery', 'correct horse', '12345678', 'micr', '0123456789'])
    assert.equal(leans(typed), false, typed)
})

test('without words nothing leans', () => {
  assert.equal(leansOnHouseWords([])('micromart'), false)
})
