import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '@micromart/testkit/until'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const NOWHERE = 'http://127.0.0.1:9'

const environment = {
  ...process.env,
  PORT: '0',
  DATABASE_URL: 'postgres://127.0.0.1:9/nothing',
  BROKER_URL: 'amqp://127.0.0.1:9',
  INTERNAL_TOKEN: 'test-internal-token',
  JWKS_URL: NOWHERE,
  PUBLIC_URL: NOWHERE,
  SELF_URL: NOWHERE,
  USER_GRPC_URL: NOWHERE,
  CART_GRPC_URL: NOWHERE,
  PRODUCT_GRPC_URL: NOWHERE,
}

/** Something goes wrong in the process, of itself, when it gets this signal. */
const accident = (what: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`process.once('SIGUSR2',()=>{${what}})`)}`,
})

function serve(t: TestContext, service: string, more: Readonly<Record<string, string>>) {
  const program = spawn(process.execPath, [MAIN, 'serve', service], { env: { ...environment, ...more } })
  t.after(() => program.kill('SIGKILL'))
  let output = ''
  let words = ''
  program.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  program.stderr.setEncoding('utf8').on('data', (text) => {
    words += text
  })
  const lines = () =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { level: number; code?: string; service: string; err?: { message: string } })
  return {
    program,
    /** Its exit code. */
    ended: once(program, 'close').then(([code]) => code as number),
    says: (code: string) => until(async () => lines().find((line) => line.code === code), { what: code }),
    /** What it has logged as the reason for its end. */
    lastWords: () => lines().filter(({ level }) => level === 60),
    words: () => words,
  }
}

const silentServer = async (t: TestContext) => {
  const open = new Set<Socket>()
  const server = createServer((socket) => void open.add(socket.on('error', () => {})))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

describe('a service process that ends other than it was asked to says why, in one line of its log', () => {
  const failures: readonly (readonly [string, string, Record<string, string>, RegExp])[] = [
    ['without a broker', 'cart', { BROKER_URL: '' }, /BROKER_URL/],
    ['with a configuration that is not valid', 'cart', { PORT: 'http' }, /PORT/],
    ['with a word for a log level', 'cart', { LOG_LEVEL: 'loud' }, /LOG_LEVEL/],
    ['without a database, once it has waited', 'cart', { START_PATIENCE_MS: '0' }, /ECONNREFUSED/],
    ['the gateway, too', 'gateway', {}, /CART_URL is not set/],
  ]
  for (const [name, service, more, message] of failures)
    test(name, async (t) => {
      const { ended, lastWords, words } = serve(t, service, more)
      assert.equal(await ended, 1)
      const [last, ...others] = lastWords()
      assert.deepEqual([last?.code, last?.service, others.length], ['process.start-failed', service, 0])
      assert.match(last?.err?.message ?? '', message)
      assert.notEqual(words(), '', 'and to the person in front of it')
    })

  const accidents: readonly (readonly [string, string, string])[] = [
    ['an error that nobody catches', `throw new Error('a bug')`, 'process.uncaught'],
    ['a promise that nobody hears', `Promise.reject(new Error('a bug'))`, 'process.uncaught'],
    ['an exit without a word', 'process.exit(1)', 'process.ended'],
  ]
  for (const [name, what, code] of accidents)
    test(name, async (t) => {
      const { program, ended, says, lastWords } = serve(t, 'cart', accident(what))
      await says('start.waiting')
      program.kill('SIGUSR2')
      assert.equal(await ended, 1)
      assert.deepEqual(
        lastWords().map((line) => line.code),
        [code],
      )
    })
})

describe('a service process that waits for its database', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`ends at once, and in order, at ${signal}`, async (t) => {
      const { program, ended, says, lastWords } = serve(t, 'cart', {})
      await says('start.waiting')
      program.kill(signal)
      assert.equal(await ended, 0)
      assert.deepEqual(lastWords(), [])
    })

  test('tells its supervisor that it lives', async (t) => {
    const port = await silentServer(t)
    const program = spawn(process.execPath, [MAIN, 'serve', 'cart'], {
      env: { ...environment, DATABASE_URL: `postgres://127.0.0.1:${port}/nothing` },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    t.after(() => program.kill('SIGKILL'))
    assert.deepEqual(await once(program, 'message'), ['waiting', undefined])
    program.kill('SIGINT')
    assert.deepEqual(await once(program, 'exit'), [0, null])
  })
})
