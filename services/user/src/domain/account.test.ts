import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normaliseEmail, parseEmail, parseName, tidyRoles } from './account.ts'

const outcomeOf = (result: ReturnType<typeof parseEmail>) => (result.ok ? result.value : result.error.code)

test('an address has one spelling', () => {
  assert.equal(outcomeOf(parseEmail('  Ada.Lovelace@Example.COM ')), 'ada.lovelace@example.com')
  assert.equal(outcomeOf(parseEmail('jose\u0301@example.com')), 'jos\u00e9@example.com')
  assert.equal(outcomeOf(parseEmail('ada+shop@mail.example.co.uk')), 'ada+shop@mail.example.co.uk')
})

test('normalising twice changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(normaliseEmail(normaliseEmail(text)), normaliseEmail(text))
    }),
  )
})

test('what is not one plain address is refused', () => {
  const bad = [
    '',
    ' ',
    'ada',
    '@example.com',
    'ada@',
    'ada@localhost',
    'ada@example.',
    'a b@example.com',
    'ada@@example.com',
    'ada@exa mple.com',
    'ada@example.com\r\nBcc: eve@example.com',
    'ada@example.com,eve@example.com',
    '<ada@example.com>',
    'ada\0@example.com',
    '"ada"@example.com',
    'ada@example.com;',
    `${'a'.repeat(65)}@example.com`,
    `ada@${'e'.repeat(300)}.com`,
    '\ud800@example.com',
  ]
  for (const text of bad) assert.equal(outcomeOf(parseEmail(text)), 'user.email-invalid', JSON.stringify(text))
})

test('a name is one printable line', () => {
  assert.equal(outcomeOf(parseName('  Ada Lovelace ')), 'Ada Lovelace')
  assert.equal(outcomeOf(parseName('李小龍 👩‍🚀')), '李小龍 👩‍🚀')
  for (const text of ['', '   ', 'Ada\nBcc: x', 'Ada\0', 'Ada\u2028Bcc', '\ud800'])
    assert.equal(outcomeOf(parseName(text)), 'user.name-invalid', JSON.stringify(text))
})

test('roles come each once, in their usual order', () => {
  assert.deepEqual(tidyRoles(['admin', 'customer', 'admin']), ['customer', 'admin'])
})
