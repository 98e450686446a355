import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allPermissions } from '@micromart/contracts/permissions'
import { type ApiKey, allScopes, isGood, readApiKey, scopeNow, spellApiKey } from './api-key.ts'

const id = '01a1fdfa-4600-7002-a2be-5ece7ce98fdf'
const secret = 'aB3_-'.repeat(8).concat('xyz')
const at = (ms: number) => new Date(1_700_000_000_000 + ms)
const key: ApiKey = {
  ...{ id, ownerId: 'o', name: 'Till', scopes: ['stock:read', 'stock:write'], createdAt: at(0), expiresAt: at(10) },
  ...{ lastUsedAt: null, revokedAt: null },
}

test('a key is read as it was spelled, and nothing else is a key', () => {
  const spelled = spellApiKey(id, secret)
  assert.deepEqual(readApiKey(spelled), { id, secret })
  const wrong = ['', 'mm_', spelled.slice(1), `${spelled}x`, `${spelled}\n`, spelled.toUpperCase(), ` ${spelled}`]
  for (const text of wrong) assert.equal(readApiKey(text), undefined, text)
})

test('a key is good until it expires or is revoked, and may never do more than its owner', () => {
  assert.deepEqual(
    [isGood(key, at(9)), isGood(key, at(10)), isGood({ ...key, revokedAt: at(1) }, at(2))],
    [true, false, false],
  )
  assert.deepEqual(scopeNow(key, ['staff']), ['stock:read', 'stock:write'])
  assert.deepEqual(scopeNow(key, ['customer']), [])
  assert.deepEqual(scopeNow({ ...key, scopes: allPermissions }, ['admin']), allScopes)
  for (const permission of ['roles:write', 'api-keys:write', 'signing-keys:write'] as const)
    assert.ok(!allScopes.includes(permission))
})
