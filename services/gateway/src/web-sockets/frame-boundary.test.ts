import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FrameBoundary } from './frame-boundary.ts'

const frameOf = (payload: Uint8Array, isMasked: boolean): Buffer => {
  const { length } = payload
  const mask = isMasked ? 0x80 : 0
  const head =
    length < 126
      ? Buffer.from([0x82, mask | length])
      : length < 65_536
        ? Buffer.from([0x82, mask | 126, length >> 8, length & 0xff])
        : Buffer.from([0x82, mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff])
  return Buffer.concat([head, Buffer.alloc(isMasked ? 4 : 0), payload])
}

const frames = fc.array(
  fc.record({
    length: fc.oneof(fc.nat({ max: 130 }), fc.integer({ min: 65_530, max: 65_540 })),
    isMasked: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
)

describe('the boundary of frames', () => {
  test('is found again however the bytes are cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40_000 })), (wanted, cuts) => {
        const boundary = new FrameBoundary()
        const all = wanted.map(({ length, isMasked }) => frameOf(Buffer.alloc(length, 0x81), isMasked))
        const ends = new Set<number>([0])
        let end = 0
        for (const { length } of all) {
          end += length
          ends.add(end)
        }
        const bytes = Buffer.concat(all)
        let at = 0
        for (const cut of [...cuts, bytes.length]) {
          boundary.take(bytes.subarray(at, at + cut))
          at = Math.min(bytes.length, at + cut)
          assert.equal(boundary.isBetweenFrames(), ends.has(at), `${at} of ${[...ends]}`)
        }
      }),
    )
  })

  test('is none after each single byte of a frame but the last', () => {
    const boundary = new FrameBoundary()
    const bytes = frameOf(Buffer.alloc(300), true)
    const seen = [...bytes].map((byte) => {
      boundary.take(Buffer.from([byte]))
      return boundary.isBetweenFrames()
    })
    assert.deepEqual(seen.lastIndexOf(false), bytes.length - 2)
    assert.equal(seen.indexOf(true), bytes.length - 1)
  })
})
