import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { nextStep, type RingKey, type RingLimits, signerOf } from './key-ring.ts'

const at = (ms: number) => new Date(1_700_000_000_000 + ms)
const key = (kid: string, created: number, signs: number | null): RingKey => ({
  ...{ kid, createdAt: at(created) },
  signsFrom: signs === null ? null : at(signs),
})
const limits: RingLimits = { rotateEveryMs: 1_000, aheadMs: 100, keptMs: 50 }
const step = (keys: readonly RingKey[], nowMs: number, rotate = false) =>
  nextStep(keys, { now: at(nowMs), rotate }, limits)

describe('a key ring', () => {
  test('begins with a key that signs and one that waits', () => {
    assert.deepEqual(step([], 0), { kind: 'add', signsFrom: at(0) })
    assert.deepEqual(step([key('a', 0, 0)], 0), { kind: 'add', signsFrom: null })
    assert.equal(step([key('a', 0, 0), key('b', 0, null)], 999), undefined)
  })

  test('lets the waiting key sign when its time has come, but not before everybody knows it', () => {
    const keys = [key('a', 0, 0), key('b', 0, null)]
    assert.deepEqual(step(keys, 1_000), { kind: 'activate', kid: 'b', signsFrom: at(1_000) })
    assert.deepEqual(step(keys, 500, true), { kind: 'activate', kid: 'b', signsFrom: at(500) })
    assert.deepEqual(step(keys, 10, true), { kind: 'activate', kid: 'b', signsFrom: at(100) })
    const set = [key('a', 0, 0), key('b', 0, 100)]
    assert.equal(step(set, 20, true), undefined) // asked twice is asked once
    assert.equal(signerOf(set, at(99))?.kid, 'a')
    assert.equal(signerOf(set, at(100))?.kid, 'b')
  })

  test('keeps who signed before until its last token has expired', () => {
    const keys = [key('a', 0, 0), key('b', 0, 500), key('c', 500, null)]
    assert.equal(step(keys, 549), undefined)
    assert.deepEqual(step(keys, 550), { kind: 'remove', kid: 'a' })
  })

  test('takes the oldest for the signer where none says from when', () => {
    assert.equal(signerOf([key('b', 5, null), key('a', 0, null)], at(9))?.kid, 'a')
  })

  test('whenever it is tended and whoever asks: what signs was known in time, and what has signed stays long enough', () => {
    const moves = fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 700 }), rotate: fc.boolean() }))
    fc.assert(
      fc.property(moves, (all) => {
        let ring: Ring = { keys: [], made: 0, lastSigned: new Map() }
        let nowMs = 0
        for (const { waitMs, rotate } of all) {
          nowMs += waitMs
          ring = tended(ring, { nowMs, rotate })
          const signer = signerOf(ring.keys, at(nowMs))
          assert.ok(signer?.signsFrom)
          assert.ok(signer.kid === '0' || signer.signsFrom.getTime() >= signer.createdAt.getTime() + limits.aheadMs)
          assert.ok(ring.keys.length >= 2, `${ring.keys.length} keys`)
          ring.lastSigned.set(signer.kid, nowMs)
        }
      }),
    )
  })
})

interface Ring {
  readonly keys: readonly RingKey[]
  readonly made: number
  readonly lastSigned: Map<string, number>
}

function tended(ring: Ring, { nowMs, rotate }: { nowMs: number; rotate: boolean }): Ring {
  const next = step(ring.keys, nowMs, rotate)
  if (!next) return ring
  const { keys, made, lastSigned } = ring
  switch (next.kind) {
    case 'add': {
      const added = { kid: `${made}`, createdAt: at(nowMs), signsFrom: next.signsFrom }
      return tended({ ...ring, keys: [...keys, added], made: made + 1 }, { nowMs, rotate })
    }
    case 'activate': {
      const activated = keys.map((one) => (one.kid === next.kid ? { ...one, signsFrom: next.signsFrom } : one))
      return tended({ ...ring, keys: activated }, { nowMs, rotate: false })
    }
    case 'remove':
      assert.ok(nowMs >= (lastSigned.get(next.kid) ?? 0) + limits.keptMs, `${next.kid} is removed too early`)
      return tended({ ...ring, keys: keys.filter(({ kid }) => kid !== next.kid) }, { nowMs, rotate })
  }
}
