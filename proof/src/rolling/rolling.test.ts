import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { SplitShop } from '@micromart/cli/start/split'
import { crashText, failureText } from './failures.ts'
import { lastLines } from './last-lines.ts'
import { isGood, medianOf, type RollingResult, report, summary } from './report.ts'
import { type Phase, type Restart, rollingRestarts } from './restarts.ts'

/** Nine services of two processes that only note what they are told. */
function fakeShop(on: { drain?: (name: string, instance: number) => void; start?: (name: string) => void } = {}) {
  const told: string[] = []
  const names = ['gateway', 'order', 'notification', 'cart', 'payment', 'inventory', 'analytics', 'product', 'user']
  const processOf = (name: string, instance: number) => ({
    drainAndStop: async () => {
      told.push(`${name} ${instance} drains`)
      on.drain?.(name, instance)
    },
    start: async () => {
      told.push(`${name} ${instance} starts`)
      on.start?.(name)
    },
  })
  const instances = Object.fromEntries(names.map((name) => [name, [processOf(name, 0), processOf(name, 1)]]))
  return { told, shop: { instances } as unknown as SplitShop }
}

describe('rolling restarts', () => {
  test('replace one process after the other, the door first, and tell each round', async () => {
    const { told, shop } = fakeShop()
    const restarts: Restart[] = []
    const rounds: number[] = []
    const { done, now } = rollingRestarts({
      shop,
      rounds: 2,
      pauseMs: 0,
      signal: new AbortController().signal,
      onRestart: (restart) => restarts.push(restart),
      onRound: (round) => rounds.push(round),
    })
    await done
    assert.deepEqual(told.slice(0, 4), ['gateway 0 drains', 'gateway 0 starts', 'gateway 1 drains', 'gateway 1 starts'])
    assert.deepEqual([restarts.length, rounds], [36, [1, 2]])
    assert.deepEqual(now(), { phase: 'none' })
  })

  test('say what is going on, and end after the restart that is under way when they are told to', async () => {
    const stop = new AbortController()
    const seen: Phase[] = []
    const { told, shop } = fakeShop({
      drain: () => void seen.push(restarting.now()),
      start: (name) => {
        seen.push(restarting.now())
        if (name === 'order') stop.abort()
      },
    })
    const rounds: number[] = []
    const restarting = rollingRestarts({
      shop,
      rounds: 20,
      pauseMs: 0,
      signal: stop.signal,
      onRestart: () => {},
      onRound: (round) => rounds.push(round),
    })
    await restarting.done
    assert.deepEqual([told.at(-1), rounds], ['order 0 starts', []])
    assert.deepEqual(seen.at(-2), { phase: 'drains', name: 'order', instance: 0, round: 1 })
    assert.deepEqual(seen.at(-1), { phase: 'starts', name: 'order', instance: 0, round: 1 })
  })

  test('are given up when a process does not come back', async () => {
    const { shop } = fakeShop({
      start: () => {
        throw new Error('no room')
      },
    })
    const options = { rounds: 1, pauseMs: 0, signal: new AbortController().signal, onRestart() {}, onRound() {} }
    await assert.rejects(rollingRestarts({ shop, ...options }).done, /no room/)
  })
})

const at = new Date('2026-11-21T12:00:00Z')
const during: Phase = { phase: 'starts', name: 'cart', instance: 1, round: 3 }
const failure = { at, what: 'order: 503 service.unavailable', step: 'order', status: 503, code: 'service.unavailable' }
const crash = { name: 'cart', instance: 0, exitCode: 1, signal: undefined, at, lastLines: ['{"code":"x"}'] }

const clean: RollingResult = {
  machine: { cores: 2, node: 'v26' },
  instances: 2,
  from: undefined,
  capacity: { median: 10, windows: [9, 10, 30] },
  rate: 7,
  rounds: { wanted: 1, done: 1 },
  endedEarly: undefined,
  restarts: [],
  crashes: [],
  failures: [],
  tally: { requests: 5, purchases: 1, failures: [], tookMs: [100] },
  seconds: 1,
  findings: [],
}

describe('the report of rolling restarts', () => {
  test('is good only if all rounds are over and nothing failed', () => {
    assert.ok(isGood(clean))
    const failed = { ...clean, tally: { ...clean.tally, failures: [failure] } }
    for (const bad of [failed, { ...clean, crashes: [crash] }, { ...clean, endedEarly: 'it was told to stop' }])
      assert.ok(!isGood(bad))
  })

  test('tells of each failure when, what, and which process was being replaced', () => {
    const placed = { ...failure, during }
    assert.equal(
      failureText(placed),
      '2026-11-21T12:00:00.000Z order: 503 service.unavailable (cart 2 starts, round 3)',
    )
    assert.match(report({ ...clean, failures: [placed] }), /1 failed\n +2026-11-21T12:00:00.000Z order: 503/)
    const document = JSON.parse(JSON.stringify(summary({ ...clean, failures: [placed], crashes: [crash] })))
    assert.deepEqual(document.failures[0], { ...placed, at: at.toISOString() })
    assert.deepEqual(document.crashes[0].lastLines, ['{"code":"x"}'])
  })

  test('tells of each end that nobody asked for how it was, and the last words', () => {
    assert.deepEqual(crashText(crash), [
      '2026-11-21T12:00:00.000Z cart ended by itself: exit code 1',
      '      {"code":"x"}',
    ])
  })

  test('takes the median of the windows, so that one disturbed window does not count', () => {
    assert.deepEqual([medianOf([9, 30, 10]), medianOf([4, 2]), medianOf([])], [10, 3, 0])
  })
})

test('the last lines of a service are its own, and those without a name', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'micromart-last-lines-'))
  t.after(() => rm(dir, { recursive: true }))
  const file = join(dir, 'log')
  const lines = ['{"service":"cart","n":1}', '{"service":"order"}', 'Error: a bug', '{"service":"cart","n":2}']
  await writeFile(file, `${lines.join('\n')}\n`)
  assert.deepEqual(await lastLines(file, 'cart'), [lines[0], lines[2], lines[3]])
  assert.deepEqual(await lastLines(file, 'cart', 1), [lines[3]])
})
