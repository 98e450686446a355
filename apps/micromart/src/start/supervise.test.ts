import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { until } from '@micromart/testkit/until'
import { supervise, type UnaskedEnd } from './supervise.ts'

/** A supervised program that does what the script says. */
async function supervised(t: TestContext, script: string) {
  const dir = await mkdtemp(join(tmpdir(), 'micromart-supervise-'))
  const program = join(dir, 'program.mjs')
  await writeFile(program, script)
  const logFile = join(dir, 'log')
  const log = openSync(logFile, 'a')
  const ends: UnaskedEnd[] = []
  const told: string[] = []
  const process = supervise({
    name: 'cart',
    instance: 1,
    program: () => program,
    environment: {},
    log,
    onProgress: (line) => told.push(line),
    onUnaskedEnd: (end) => ends.push(end),
  })
  t.after(async () => {
    await process.stop()
    closeSync(log)
    await rm(dir, { recursive: true })
  })
  return { process, ends, told, logged: () => readFile(logFile, 'utf8') }
}

describe('a supervised process', () => {
  test('that ends by itself is told with how it ended, and started again', async (t) => {
    const { process, ends, told } = await supervised(t, `process.send('ready'); setTimeout(() => process.exit(3), 10)`)
    await process.start()
    await until(async () => process.restarts() > 0, { what: 'it is started again' })
    assert.deepEqual(ends[0], { name: 'cart', instance: 1, exitCode: 3, signal: undefined })
    assert.match(told[0] ?? '', /^cart 2 ended \(exit code 3\); starting it again in \d+ ms$/)
  })

  test('that is killed is told with the signal', async (t) => {
    const { process, ends } = await supervised(t, `process.send('ready'); process.kill(process.pid, 'SIGKILL')`)
    await process.start()
    await until(async () => ends.length > 0, { what: 'its end' })
    assert.deepEqual(ends[0], { name: 'cart', instance: 1, exitCode: undefined, signal: 'SIGKILL' })
  })

  test('that cannot start says why: its last words, or how it ended', async (t) => {
    const talks = await supervised(t, `console.error('no room'); process.exitCode = 1`)
    await assert.rejects(talks.process.start(), /The service cart 2 could not start: no room/)
    assert.equal(await talks.logged(), 'no room\n')
    const silent = await supervised(t, `process.kill(process.pid, 'SIGKILL')`)
    await assert.rejects(silent.process.start(), /could not start: SIGKILL/)
  })

  test('that waits is not ready yet, and is ready once it says so', async (t) => {
    const script = `process.send('waiting'); process.stdin; setTimeout(() => { console.log('now'); process.send('ready') }, 50)`
    const { process, logged } = await supervised(t, script)
    await process.start()
    assert.equal(await logged(), 'now\n')
  })

  test('that ends when it is told to is not missed', async (t) => {
    const script = `process.on('SIGTERM', () => { console.log('gone'); process.exit(0) }); process.send('ready'); setInterval(() => {}, 1000)`
    const { process, ends, told, logged } = await supervised(t, script)
    await process.start()
    await process.drainAndStop()
    assert.deepEqual([await logged(), ends, told], ['gone\n', [], []])
  })
})
