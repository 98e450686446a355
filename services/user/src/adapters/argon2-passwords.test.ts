import assert from 'node:assert/strict'
import { test } from 'node:test'
import { argon2Passwords } from './argon2-passwords.ts'

test('hashes are argon2id with the cost that OWASP asks for, salted each time', async () => {
  const passwords = await argon2Passwords()
  const [first, second] = await Promise.all([passwords.hash('a good password'), passwords.hash('a good password')])
  assert.match(first, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.notEqual(first, second)
  assert.equal(await passwords.verify(first, 'a good password'), true)
  assert.equal(await passwords.verify(first, 'a bad password'), false)
  assert.equal(await passwords.verify(undefined, 'a good password'), false)
})

test('a password is the same however its accents are typed', async () => {
  const passwords = await argon2Passwords()
  assert.equal(await passwords.verify(await passwords.hash('caf\u00e9 au lait'), 'cafe\u0301 au lait'), true)
})

test('a fingerprint is the same for one salt and differs for another', async () => {
  const { fingerprint } = await argon2Passwords()
  assert.equal(await fingerprint('a good password', 'key-1'), await fingerprint('a good password', 'key-1'))
  assert.notEqual(await fingerprint('a good password', 'key-1'), await fingerprint('a good password', 'key-2'))
  assert.notEqual(await fingerprint('a good password', 'key-1'), await fingerprint('a bad password', 'key-1'))
})

test('more than can wait is refused as unavailable', async () => {
  const passwords = await argon2Passwords({ running: 1, waiting: 1 })
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => passwords.hash('a good password')))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  )
  const [, , refused] = outcomes
  assert.equal(refused?.status === 'rejected' && refused.reason.refusal.code, 'service.unavailable')
})
