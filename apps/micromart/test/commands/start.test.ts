import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runningPostgresUrl } from '@micromart/embedded-postgres/running-postgres'
import { runProgram, startProgram } from '@micromart/proof/program'
import { createShopper } from '@micromart/proof/shopper'
import { freePortRange } from '@micromart/testkit/free-ports'

const temporary = () => mkdtemp(join(tmpdir(), 'micromart-start-'))

/** A port that somebody else listens on for the time of the test. */
async function takenPort(t: { after(cleanUp: () => unknown): void }): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return String((server.address() as AddressInfo).port)
}

describe('micromart start', () => {
  test('stops on Ctrl-C with its database, and finds everything again; --fresh starts anew', async (t) => {
    const dataDir = await temporary()
    t.after(() => rm(dataDir, { recursive: true, force: true }))
    const port = await freePortRange()
    const start = async (...more: readonly string[]) => {
      const program = startProgram(['start', '--port', String(port), '--data', dataDir, ...more], { LOG_LEVEL: 'warn' })
      await program.says('Stop with Ctrl-C.')
      return program
    }
    const shopper = createShopper(`http://127.0.0.1:${port}`)
    const products = async () => (await shopper.call({ method: 'GET', path: '/api/v1/products?limit=100' })).body.items

    const first = await start()
    for (const line of ['Database: ready', 'Services: 9 started', 'Demo catalogue: 62 products', 'FOR DEVELOPMENT'])
      assert.match(first.output(), new RegExp(line, 'i'))
    const cart = await shopper.newCart()
    assert.equal((await products()).length, 62)
    process.kill(first.pid, 'SIGINT') // the terminal tells the whole process group, and npm and others pass it on
    await first.kill('SIGINT')
    assert.equal(await first.ended, 0)
    assert.match(first.output(), /Stopped\. Everything is kept/)
    assert.equal(await runningPostgresUrl(join(dataDir, 'postgres')), undefined)

    const second = startProgram(['start', '--port', String(port), '--data', dataDir])
    await second.says('Database: ready')
    await second.kill('SIGINT') // in the middle of the start
    assert.equal(await second.ended, 0)
    assert.equal(await runningPostgresUrl(join(dataDir, 'postgres')), undefined)

    const third = await start()
    const found = await shopper.call({
      method: 'GET',
      path: `/api/v1/carts/${cart.id}`,
      headers: { 'cart-token': cart.token },
    })
    assert.equal(found.status, 200)
    await third.kill('SIGTERM')

    const fourth = await start('--fresh')
    const gone = await shopper.call({
      method: 'GET',
      path: `/api/v1/carts/${cart.id}`,
      headers: { 'cart-token': cart.token },
    })
    assert.equal(gone.status, 404)
    await fourth.kill('SIGTERM')
    await shopper.close()
  })

  test('several instances are several processes', async () => {
    const alone = await runProgram(['start', '--instances', '2'])
    assert.deepEqual([alone.code, alone.lastLine], [1, 'Several instances are several processes: add --split.'])
    for (const bad of ['0', '10', 'two']) assert.equal((await runProgram(['start', '--instances', bad])).code, 2)
  })

  test('what stands in the way is said in one sentence with the way out', async (t) => {
    const dataDir = await temporary()
    t.after(() => rm(dataDir, { recursive: true, force: true }))
    const taken = await takenPort(t)
    const file = join(dataDir, 'a-file')
    await writeFile(file, '')
    const port = String(await freePortRange())
    const cases: readonly (readonly [string[], number, RegExp, Record<string, string>?])[] = [
      [['--port', taken, '--data', dataDir], 1, /Port \d+ is in use\. .* --port N/],
      [['--port', port, '--data', file], 1, /./],
      [['--port', 'http'], 2, /A port is a number from 1 to 65535/],
      [
        ['--split', '--port', port, '--data', dataDir],
        1,
        /RabbitMQ cannot be used at 127\.0\.0\.1:9:.*AMQP_URL/,
        { AMQP_URL: 'amqp://127.0.0.1:9' },
      ],
      [['--split', '--port', port], 1, /AMQP_URL is not a URL/, { AMQP_URL: 'rabbit' }],
      [['--nonsense'], 2, /unknown option/],
    ]
    for (const [args, code, sentence, environment] of cases) {
      const result = await runProgram(['start', ...args], environment)
      assert.deepEqual([result.code, sentence.test(result.output)], [code, true], result.output)
      assert.doesNotMatch(result.output, /^\s+at /m)
    }
  })

  test('a door that is taken in the last moment ends everything that has started', async (t) => {
    const dataDir = await temporary()
    t.after(() => rm(dataDir, { recursive: true, force: true }))
    const port = await freePortRange()
    const program = startProgram(['start', '--port', String(port), '--data', dataDir], { LOG_LEVEL: 'warn' })
    await program.says('Creating the database')
    const thief = createServer().listen(port, '127.0.0.1')
    await once(thief, 'listening')
    t.after(() => thief.close())
    assert.equal(await program.ended, 1)
    assert.match(program.output(), new RegExp(`Port ${port} is in use`))
    assert.equal(await runningPostgresUrl(join(dataDir, 'postgres')), undefined)
  })

  test('a second start on the same data is refused', async (t) => {
    const dataDir = await temporary()
    const port = await freePortRange()
    const program = startProgram(['start', '--port', String(port), '--data', dataDir], { LOG_LEVEL: 'warn' })
    t.after(async () => {
      await program.kill('SIGTERM')
      await rm(dataDir, { recursive: true, force: true })
    })
    await program.says('MicroMart is ready')
    const second = await runProgram(['start', '--port', String(port + 1), '--data', dataDir])
    assert.equal(second.code, 1)
    assert.match(second.output, /another|already|in use/i)
  })
})

test('a service that cannot start says why and ends, also under a supervisor', async () => {
  const main = fileURLToPath(import.meta.resolve('@micromart/cli/main'))
  const child = fork(main, ['serve', 'order'], { env: {}, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  const words = child.stderr ? text(child.stderr) : Promise.resolve('')
  assert.deepEqual(await once(child, 'exit'), [1, null])
  assert.match(await words, /^Set BROKER_URL to amqp/)
})

test('every command explains itself', async () => {
  const { output } = await runProgram(['--help'])
  const commands = [...output.matchAll(/^ {2}([a-z-]+) /gm)]
    .map(([, name]) => name ?? '')
    .filter((name) => name !== 'help')
  assert.ok(commands.length >= 6, output)
  const pages = await Promise.all(
    [...commands.map((name) => [name]), ['import', 'products'], ['dead-letters', 'replay']].map((words) =>
      runProgram([...words, '--help']),
    ),
  )
  for (const { code, output: page } of pages) {
    assert.equal(code, 0)
    assert.match(page, /^Usage: micromart|^Usage: /m)
  }
})

test('doctor tells what is good and what is not', async (t) => {
  const dataDir = await temporary()
  t.after(() => rm(dataDir, { recursive: true, force: true }))
  const taken = await takenPort(t)
  const good = await runProgram(['doctor', '--data', dataDir, '--port', String(await freePortRange()), '--json'])
  assert.deepEqual([good.code, JSON.parse(good.lastLine).ok], [0, true], good.output)
  const bad = await runProgram(['doctor', '--data', dataDir, '--port', taken])
  assert.equal(bad.code, 1)
  assert.match(bad.output, /FAIL {2}gateway port: Port \d+ is in use/)
})
