import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dictionary } from '@zxcvbn-ts/language-common'
import { checkPassword, SHORTEST_PASSWORD } from '../domain/password.ts'
import { isCommonPassword } from './common-passwords.ts'

const MOST_COMMON = 3_000

test('the 3,000 most common passwords that are long enough are refused (ASVS 5.0, 6.2.4), however they are typed', () => {
  const fitting = dictionary['passwords-common'].filter((password) => password.length >= SHORTEST_PASSWORD)
  assert.ok(new Set(fitting).size >= MOST_COMMON, `${fitting.length}`)
  const taken = fitting
    .slice(0, MOST_COMMON)
    .flatMap((password) => [password, password.toUpperCase(), ` ${password} `])
    .filter((password) => checkPassword(password, { email: 'a@b.co', name: 'Ada', isCommon: isCommonPassword }).ok)
  assert.deepEqual(taken, [])
  assert.ok(
    checkPassword('four words in a row', { email: 'a@b.co', name: 'Ada', isCommon: isCommonPassword }).ok,
    'one that is on no list is taken',
  )
})
