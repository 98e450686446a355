import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { holdsCardNumber } from './card-number.ts'

test('sees card numbers however they are written', () => {
  const cards = [
    '4242424242424242',
    '4242 4242 4242 4242',
    '3782-822463-10005',
    'card:4242424242424242',
    '4242 4242 4242 4242 12 27',
    '12/27 4242-4242-4242-4242',
  ]
  for (const text of cards) assert.ok(holdsCardNumber(text), text)
})

test('lets other numbers be', () => {
  const others = [
    '',
    'sandbox:success',
    '4242424242424241',
    '+49 30 1234567',
    '12345-6789',
    '1'.repeat(40),
    'Flat 4, 12 Mill Lane',
  ]
  for (const text of others) assert.ok(!holdsCardNumber(text), text)
})

test('a UUID is none, whatever its digits', () => {
  const nearlyDigits = fc.stringMatching(/^[0-9a]{3}[0-9]{5}-[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{2}[0-9a]{10}$/)
  const id = fc.oneof(nearlyDigits, fc.uuid())
  fc.assert(
    fc.property(id, (uuid) => !holdsCardNumber(`buyer-${uuid}@example.com`)),
    { numRuns: 2_000 },
  )
})
