import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { localCells } from './local-cells.ts'
import { LIMIT_PATTERN, policiesOf } from './policies.ts'
import { type Asked, createRateLimiter, type RateLimiter, type Verdict } from './rate-limiter.ts'
import type { SharedCells } from './shared-cells.ts'

const S = 1_000_000
const somebody: Asked = { userId: undefined, address: '203.0.113.9', limit: undefined }

function limiterOf(changes: readonly string[], shared?: SharedCells, mostBuckets?: number) {
  const time = { nowUs: 1_000 * S }
  const limiter = createRateLimiter({
    policies: policiesOf(changes),
    shared,
    nowUs: () => time.nowUs,
    ...(mostBuckets === undefined ? {} : { mostBuckets }),
  })
  return { limiter, time }
}

/** Of a limiter that need not ask anybody. */
function now(verdict: Verdict | Promise<Verdict>): Verdict {
  if (verdict instanceof Promise) throw new Error('It was not decided at once')
  return verdict
}

const admittedOf = (limiter: RateLimiter, asked: Asked, times: number) =>
  Array.from({ length: times }, () => now(limiter.admit(asked))).filter(({ admitted }) => admitted).length

describe('rate limits of one process', () => {
  test('a quota at once, then as fast as it comes back; the headers tell it', () => {
    const { limiter, time } = limiterOf(['address=3/60'])
    const verdicts = Array.from({ length: 4 }, () => now(limiter.admit(somebody)))
    assert.deepEqual(
      verdicts.map(({ admitted, fields }) => [admitted, fields.policy, fields.state]),
      [
        [true, '"address";q=3;w=60', '"address";r=2;t=20'],
        [true, '"address";q=3;w=60', '"address";r=1;t=40'],
        [true, '"address";q=3;w=60', '"address";r=0;t=60'],
        [false, '"address";q=3;w=60', '"address";r=0;t=60'],
      ],
    )
    const last = verdicts.at(-1)
    assert.ok(last && !last.admitted)
    assert.deepEqual([last.because, last.retryAfterS], ['busy', 20])
    time.nowUs += 20 * S
    assert.equal(admittedOf(limiter, somebody, 3), 1)
  })

  test('users are counted by themselves, from wherever; addresses only without one', () => {
    const { limiter } = limiterOf(['address=2/60', 'user=3/60'])
    const ada = { ...somebody, userId: 'ada' }
    assert.equal(admittedOf(limiter, ada, 2), 2)
    assert.equal(admittedOf(limiter, { ...ada, address: '198.51.100.1' }, 2), 1)
    assert.equal(admittedOf(limiter, somebody, 3), 2, 'what ada used is not counted for her address')
    assert.equal(admittedOf(limiter, { ...somebody, userId: 'bob' }, 1), 1)
  })

  test('a tight limit stands beside the general one, per address or per caller as it says', () => {
    const { limiter } = limiterOf(['address=10/60', 'user=10/60', 'sign-in=2/60', 'checkout=2/60'])
    const signIn = { ...somebody, limit: 'sign-in' } as const
    assert.equal(admittedOf(limiter, { ...signIn, userId: 'ada' }, 1), 1)
    assert.equal(admittedOf(limiter, signIn, 3), 1, 'the address has signed in twice, whoever it was')
    const { fields } = now(limiter.admit(signIn))
    assert.equal(fields.policy, '"address";q=10;w=60, "sign-in";q=2;w=60')
    assert.equal(fields.state, '"address";r=6;t=24, "sign-in";r=0;t=60')
    const checkout = { ...somebody, limit: 'checkout' } as const
    assert.equal(admittedOf(limiter, { ...checkout, userId: 'ada' }, 3), 2)
    assert.equal(admittedOf(limiter, { ...checkout, userId: 'bob' }, 3), 2)
  })

  test('tokens that are not good are counted by address', () => {
    const { limiter } = limiterOf(['bad-token=2/60'])
    const tries = Array.from({ length: 3 }, () => limiter.badToken('203.0.113.9').admitted)
    assert.deepEqual(tries, [true, true, false])
    assert.equal(limiter.badToken('198.51.100.1').admitted, true)
    assert.equal(limiter.mayGuess('203.0.113.9'), false)
    const looks = Array.from({ length: 3 }, () => limiter.mayGuess('198.51.100.1'))
    assert.deepEqual(looks, [true, true, true], 'to look costs nothing')
  })

  test('never more than the quota and what came back, for any order of callers and times', () => {
    const steps = fc.array(fc.record({ who: fc.nat({ max: 3 }), pauseUs: fc.nat({ max: 2 * S }) }), { maxLength: 400 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), steps, (quota, knocks) => {
        const { limiter, time } = limiterOf([`address=${quota}/7`])
        const startUs = time.nowUs
        const admitted = new Map<number, number>()
        for (const { who, pauseUs } of knocks) {
          time.nowUs += pauseUs
          const { admitted: isIn } = now(limiter.admit({ ...somebody, address: `203.0.113.${who}` }))
          if (isIn) admitted.set(who, (admitted.get(who) ?? 0) + 1)
          const most = quota + ((time.nowUs - startUs) * quota) / (7 * S)
          assert.ok((admitted.get(who) ?? 0) <= most)
        }
      }),
    )
  })

  test('however many addresses come, the memory is bounded; who comes often is not forgotten', () => {
    const cells = localCells(policiesOf([]).address, 1_000)
    const often = cells.of('often')
    for (let count = 0; count < 50_000; count += 1) {
      cells.of(`address ${count}`)
      if (count % 400 === 0) assert.equal(cells.of('often'), often)
      assert.ok(cells.size() <= 1_001, `${cells.size()}`)
    }
  })
})

describe('with others', () => {
  const away: SharedCells = { take: async () => undefined, tell: async () => undefined }

  test('ordinary limits are decided at once, whatever the others do', () => {
    const hanging: SharedCells = { take: () => new Promise(() => {}), tell: () => new Promise(() => {}) }
    const { limiter } = limiterOf(['address=3/60'], hanging)
    assert.equal(admittedOf(limiter, somebody, 5), 3)
    limiter.close()
  })

  test('while nobody knows of the others, tight limits count here, or refuse where the policy says so', async () => {
    const { limiter } = limiterOf(['sign-in=2/60'], away)
    const signIn = { ...somebody, limit: 'sign-in' } as const
    const outcomes = await Promise.all([1, 2, 3].map(() => limiter.admit(signIn)))
    assert.deepEqual(
      outcomes.map(({ admitted }) => admitted),
      [true, true, false],
    )
    const reset = await limiter.admit({ ...somebody, limit: 'password-reset' })
    assert.ok(!reset.admitted && reset.because === 'unknown' && reset.retryAfterS > 0)
    limiter.close()
  })

  test('what the others have used is refused here too', async () => {
    const full: SharedCells = { take: async () => -30 * S, tell: async (used) => used.map(() => 60 * S) }
    const { limiter } = limiterOf(['sign-in=2/60'], full)
    const verdict = await limiter.admit({ ...somebody, limit: 'sign-in' })
    assert.ok(!verdict.admitted && verdict.because === 'busy')
    limiter.close()
  })
})

describe('limits by configuration', () => {
  test('one, or all that are not named', () => {
    const policies = policiesOf(['sign-in=5/10', 'all=1000/1'])
    assert.deepEqual([policies['sign-in'].quota, policies['sign-in'].windowUs], [5, 10 * S])
    assert.deepEqual([policies.address.quota, policies.refresh.quota], [1_000, 1_000])
    assert.equal(policies['sign-in'].asksFirst, true)
  })

  test('what cannot be meant is refused', () => {
    const pattern = new RegExp(LIMIT_PATTERN)
    for (const good of ['all=1/1', 'sign-in=999999/99999', 'bad-token=10/60']) assert.match(good, pattern)
    for (const bad of ['sign-in=0/1', 'sign-in=1/0', 'signin=1/1', 'sign-in=1', 'sign-in=-1/1', 'sign-in=1/1/1', ''])
      assert.doesNotMatch(bad, pattern)
  })
})
