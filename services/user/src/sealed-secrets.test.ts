import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { createSealer, sealerOf } from './sealed-secrets.ts'

const key = () => randomBytes(32)
const secret = Buffer.from('the secret of an app')

describe('sealed secrets', () => {
  test('opens what it sealed, for the same purpose only, and never seals twice alike', () => {
    const sealer = createSealer([key()])
    const sealed = sealer.seal(secret, 'totp ada')
    assert.deepEqual(sealer.open(sealed, 'totp ada'), secret)
    assert.notEqual(sealer.seal(secret, 'totp ada'), sealed)
    assert.throws(() => sealer.open(sealed, 'totp eve'))
  })

  test('every changed byte is noticed', () => {
    const sealer = createSealer([key()])
    const [id, text] = sealer.seal(secret, 'totp ada').split('.')
    const bytes = Buffer.from(text ?? '', 'base64url')
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index)
      assert.throws(() => sealer.open(`${id}.${changed.toString('base64url')}`, 'totp ada'), `byte ${index}`)
    }
    for (const bad of ['', '.', `${id}.`, `${id}.AAAA`, `x.${text}`, String(text)])
      assert.throws(() => sealer.open(bad, 'totp ada'), bad)
  })

  test('a new key in front seals, the old one still opens; another key opens nothing', () => {
    const [old, fresh] = [key(), key()]
    const sealed = createSealer([old]).seal(secret, 'x')
    const both = createSealer([fresh, old])
    assert.deepEqual(both.open(sealed, 'x'), secret)
    assert.equal(both.seal(secret, 'x').split('.')[0], createSealer([fresh]).keyId)
    assert.throws(() => createSealer([fresh]).open(sealed, 'x'), /not configured/)
  })

  test('keys from the configuration: none, one, several; a bad one is refused and not shown', () => {
    const text = key().toString('base64url')
    assert.equal(sealerOf(''), undefined)
    assert.equal(sealerOf(text)?.keyIds.length, 1)
    assert.equal(sealerOf(`${text}, ${key().toString('base64url')}`)?.keyIds.length, 2)
    for (const bad of ['short', `${text}x`, `${text},`, `${text},short`, text.replace(/./, '!')])
      assert.throws(
        () => sealerOf(bad),
        (error: Error) => /USER_SECRETS_KEY/.test(error.message) && !error.message.includes(bad),
        bad,
      )
  })
})
