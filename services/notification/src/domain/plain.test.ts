import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMailable, oneLine } from './plain.ts'

test('text is brought to one line', () => {
  assert.equal(oneLine(' Ada\r\nBcc: eve@example.com\0\t\u2028x '), 'Ada Bcc: eve@example.com x')
  assert.equal(oneLine('李小龍 👩‍🚀'), '李小龍 👩‍🚀')
})

test('only one plain address can be mailed', () => {
  for (const address of ['ada@example.com', 'ada+x@localhost', 'jos\u00e9@example.com'])
    assert.equal(isMailable(address), true, address)
  const bad = [
    '',
    'ada',
    'a@b\r\nRCPT TO:<eve@example.com>',
    'a@b,c@d',
    'Ada <a@b>',
    'a b@c',
    'a@b@c',
    `${'a'.repeat(65)}@b`,
    'a@b;',
    '"a"@b',
    'a\0@b',
  ]
  for (const address of bad) assert.equal(isMailable(address), false, JSON.stringify(address))
})
