import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { goodForMs, isOver, judgeRefresh, type Session, tidyUserAgent } from './session.ts'

const at = (ms: number) => new Date(1_700_000_000_000 + ms)
const limits = { idleMs: 1_000, longestMs: 5_000, retryMs: 10 }
const session = (change: Partial<Session> = {}): Session => ({
  ...{
    id: 's',
    userId: 'u',
    userAgent: '',
    createdAt: at(0),
    lastUsedAt: at(0),
    provenAt: at(0),
    expiresAt: at(5_000),
    endedAt: null,
  },
  ...change,
})
const fresh = { spentAt: null, retried: false }

describe('a refresh token', () => {
  test('is good once, and within seconds of that once more', () => {
    const judge = (nowMs: number, token: { spentAt: Date | null; retried: boolean }) =>
      judgeRefresh({ session: session(), token, now: at(nowMs) }, limits)
    assert.equal(judge(999, fresh), 'rotate')
    assert.equal(judge(510, { spentAt: at(500), retried: false }), 'retry')
    assert.equal(judge(511, { spentAt: at(500), retried: false }), 'reuse')
    assert.equal(judge(501, { spentAt: at(500), retried: true }), 'reuse')
  })

  test('is good no more, not for a second, once its successor was used', () => {
    const token = { spentAt: at(500), retried: false }
    const judge = (lastUsedMs: number) =>
      judgeRefresh({ session: session({ lastUsedAt: at(lastUsedMs) }), token, now: at(505) }, limits)
    assert.equal(judge(500), 'retry')
    assert.equal(judge(501), 'reuse')
  })

  test('is good for nothing when its session was ended, not used for too long, or is too old', () => {
    const judge = (nowMs: number, change: Partial<Session>) =>
      judgeRefresh({ session: session(change), token: fresh, now: at(nowMs) }, limits)
    assert.equal(judge(1, { endedAt: at(1) }), 'over')
    assert.equal(judge(1_000, {}), 'over')
    assert.equal(judge(4_999, { lastUsedAt: at(4_500) }), 'rotate')
    assert.equal(judge(5_000, { lastUsedAt: at(4_999) }), 'over')
  })

  test('whatever comes, a session that is over gives out nothing, and one that is not is good for a while', () => {
    const ms = fc.integer({ min: -10_000, max: 10_000 })
    fc.assert(
      fc.property(fc.tuple(ms, ms, fc.option(ms), fc.option(ms)), ([lastUsed, now, ended, spent]) => {
        const tried = session({ lastUsedAt: at(lastUsed), endedAt: ended === null ? null : at(ended) })
        const token = { spentAt: spent === null ? null : at(spent), retried: false }
        const verdict = judgeRefresh({ session: tried, token, now: at(now) }, limits)
        assert.equal(verdict === 'over', isOver(tried, at(now), limits))
        if (verdict !== 'over') assert.ok(goodForMs(tried, at(now), limits) > 0)
        if (verdict === 'rotate') assert.equal(spent, null)
      }),
    )
  })
})

test('what a client says of itself is one line of bearable length', () => {
  assert.equal(tidyUserAgent(undefined), '')
  assert.equal(tidyUserAgent(' Firefox\u001b[31m\r\n 1\u202e0 '), 'Firefox [31m  1 0')
  assert.equal(tidyUserAgent('x'.repeat(5_000)).length, 200)
})
