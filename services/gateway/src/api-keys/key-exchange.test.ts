import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import type { Caller } from '@micromart/http-kit/identity'
import { kitProblem, ProblemError } from '@micromart/http-kit/problem'
import { silentLogger } from '@micromart/telemetry/logger'
import { createApiKeys, type ExchangedKey } from './key-exchange.ts'

const newKey = () => `mm_${randomUUID().replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`
const machine: Caller = { kind: 'machine', keyId: randomUUID(), permissions: ['stock:read'] }

/** Keys at a user service that is in the test's hands; each exchange waits for `answer`. */
function start() {
  const waiting: { key: string; answer(result: Partial<ExchangedKey>): Promise<void>; fail(): Promise<void> }[] = []
  const ended = new Set<Caller>()
  const state = { nowMs: 0, verify: async (_token: string): Promise<Caller> => machine }
  const keys = createApiKeys({
    exchange: (key) =>
      new Promise((resolve, reject) => {
        waiting.push({
          key,
          answer: async (result) => {
            resolve({ good: true, accessToken: 'token', expiresIn: 300, ...result })
            await settled()
          },
          fail: async () => {
            reject(new Error('user is away'))
            await settled()
          },
        })
      }),
    verifyToken: (token) => state.verify(token),
    ended,
    now: () => state.nowMs,
    log: silentLogger(),
  })
  const known = async (key: string, accessToken = 'token') => {
    const asked = keys.ask(key)
    await waiting.at(-1)?.answer({ accessToken })
    return asked
  }
  return { keys, waiting, ended, state, known }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))
const refusedWith = (status: number, code: string) => (error: unknown) => {
  assert.ok(error instanceof ProblemError, String(error))
  assert.deepEqual([error.status, error.refusal.code], [status, code])
  return true
}
const bad = refusedWith(401, 'auth.invalid-token')
const away = refusedWith(503, 'auth.unavailable')

describe('API keys at the gateway', () => {
  test('what does not look like a key is refused without a question', () => {
    const { keys, waiting } = start()
    const key = newKey()
    for (const wrong of ['mm_', `${key}x`, key.slice(0, -1), key.toUpperCase(), `${key} `, `mm_${'x'.repeat(76)}`])
      assert.throws(() => keys.find(wrong), bad, wrong)
    assert.equal(waiting.length, 0)
  })

  test('a key that is refused is not asked about again for ten seconds', async () => {
    const { keys, waiting, state } = start()
    const key = newKey()
    const asked = assert.rejects(keys.ask(key), bad)
    await waiting[0]?.answer({ good: false })
    await asked
    assert.throws(() => keys.find(key), bad)
    assert.equal(keys.find(newKey()), undefined, 'another one has to be asked about')
    state.nowMs = 9_999
    assert.throws(() => keys.find(key), bad)
    state.nowMs = 10_000
    assert.equal(keys.find(key), undefined)
  })

  test('while user is away nobody is called bad, and the next request asks again', async () => {
    const { keys, waiting } = start()
    const key = newKey()
    const asked = assert.rejects(keys.ask(key), away)
    await waiting[0]?.fail()
    await asked
    assert.equal(keys.find(key), undefined)
    void keys.ask(key)
    assert.equal(waiting.length, 2)
  })

  test('a new token that cannot be verified is the shop’s fault, not that of the key', async () => {
    const { keys, waiting, state } = start()
    state.verify = () => Promise.reject(kitProblem('auth.invalid-token', 'an unknown kid'))
    const key = newKey()
    const asked = assert.rejects(keys.ask(key), away)
    await waiting[0]?.answer({})
    await asked
    assert.equal(keys.find(key), undefined)
  })

  test('a key that is good is known at once from then on, with its token', async () => {
    const { keys, waiting, known } = start()
    const key = newKey()
    assert.equal(keys.find(key), undefined)
    assert.deepEqual(await known(key), { caller: machine, authorization: 'Bearer token' })
    assert.equal(keys.find(key)?.authorization, 'Bearer token')
    assert.equal(waiting.length, 1)
  })

  test('many who show one key at the same time are one question', async () => {
    const { keys, waiting } = start()
    const key = newKey()
    const asked = Array.from({ length: 100 }, () => keys.ask(key))
    assert.equal(waiting.length, 1)
    await waiting[0]?.answer({})
    assert.equal(new Set(await Promise.all(asked)).size, 1)
  })

  test('no more than 64 keys are asked about at the same time', async () => {
    const { keys, waiting } = start()
    const first = newKey()
    const asked = [first, ...Array.from({ length: 63 }, newKey)].map((key) => keys.ask(key))
    await assert.rejects(keys.ask(newKey()), away)
    assert.equal(keys.ask(first), asked[0], 'who waits for one of them may wait')
    for (const each of waiting) await each.answer({})
    await Promise.all(asked)
    void keys.ask(newKey())
    assert.equal(waiting.length, 65)
  })

  test('a key that is revoked stops at once, also when its token comes later', async () => {
    const { keys, waiting, ended, known } = start()
    const [key, late] = [newKey(), newKey()]
    await known(key)
    const asked = assert.rejects(keys.ask(late), bad)
    ended.add(machine)
    assert.throws(() => keys.find(key), bad)
    await waiting[1]?.answer({})
    await asked
    assert.throws(() => keys.find(late), bad)
  })

  test('a token is renewed before its time, and nobody waits for that', async () => {
    const { keys, waiting, state, known } = start()
    const key = newKey()
    await known(key, 'first')
    state.nowMs = 179_999
    keys.find(key)
    assert.equal(waiting.length, 1)
    state.nowMs = 180_000
    assert.equal(keys.find(key)?.authorization, 'Bearer first')
    assert.equal(keys.find(key)?.authorization, 'Bearer first')
    assert.equal(waiting.length, 2)
    await waiting[1]?.answer({ accessToken: 'second' })
    assert.equal(keys.find(key)?.authorization, 'Bearer second')
  })

  test('while user is away what is known serves on until shortly before its end', async () => {
    const { keys, waiting, state, known } = start()
    const key = newKey()
    await known(key)
    state.nowMs = 200_000
    keys.find(key)
    await waiting[1]?.fail()
    state.nowMs = 200_999
    assert.ok(keys.find(key))
    assert.equal(waiting.length, 2, 'it does not ask with every request')
    state.nowMs = 201_000
    assert.ok(keys.find(key))
    assert.equal(waiting.length, 3)
    state.nowMs = 269_999
    assert.ok(keys.find(key))
    state.nowMs = 270_000
    assert.equal(keys.find(key), undefined)
  })

  test('a key that is refused at its renewal is refused from then on', async () => {
    const { keys, waiting, state, known } = start()
    const key = newKey()
    await known(key)
    state.nowMs = 200_000
    assert.ok(keys.find(key))
    await waiting[1]?.answer({ good: false })
    assert.throws(() => keys.find(key), bad)
  })

  test('guesses take no more memory than ten thousand digests', async () => {
    const { keys, waiting } = start()
    const first = newKey()
    for (let count = 0; count <= 10_000; count += 1) {
      const asked = keys.ask(count === 0 ? first : newKey()).catch(() => {})
      const { answer } = waiting.pop() ?? assert.fail()
      await answer({ good: false })
      await asked
    }
    assert.equal(keys.find(first), undefined, 'the oldest one is forgotten')
  })
})
