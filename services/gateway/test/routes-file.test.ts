import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { startConsulStandIn } from '@micromart/testkit/consul-stand-in'
import { until } from '@micromart/testkit/until'
import { ask, startGateway, startService } from './gateway-harness.ts'

/** Never kept by the gateway itself. */
const path = '/api/v1/carts/1'
const unlimited = { RATE_LIMITS: 'all=999999/1' }

/** Swapped in one step, as a mounted file is. */
async function routesFile(t: TestContext, first: object) {
  const dir = await mkdtemp(join(tmpdir(), 'micromart-routes-'))
  t.after(() => rm(dir, { recursive: true }))
  const file = join(dir, 'routes.json')
  const write = async (text: string) => {
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  }
  await write(JSON.stringify(first))
  return { file, write: (body: object) => write(JSON.stringify(body)), writeText: write }
}

/** Asks without a pause until it is stopped. @returns what was answered, in the order of asking */
function ceaselessly(url: string) {
  let going = true
  const answers: string[] = []
  const one = async () => {
    while (going) {
      const { status, text } = await ask(url, { path }).catch((error: Error) => ({ status: 0, text: error.message }))
      answers.push(status === 200 ? text : `${status} ${text}`)
    }
  }
  const all = Promise.all([one(), one(), one()])
  return {
    answers,
    stop: async () => {
      going = false
      await all
      return answers
    },
  }
}

const named = (t: TestContext, name: string) => startService(t, (_request, response) => void response.end(name))
const hangUp = () => process.kill(process.pid, 'SIGHUP')

describe('the routes of a running gateway', () => {
  test('change with the file, on SIGHUP and by themselves, without a failed request', async (t) => {
    const [a, b, c] = [await named(t, 'a'), await named(t, 'b'), await named(t, 'c')]
    const { file, write } = await routesFile(t, {})
    const door = await startGateway(t, { cart: a.url, given: { ROUTES_FILE: file, ...unlimited } })
    const load = ceaselessly(door.url)
    await until(async () => load.answers.includes('a'), { what: 'the load runs' })
    await write({ upstreams: { cart: [b.url] } })
    hangUp()
    await until(async () => load.answers.at(-1) === 'b', { what: 'the new upstream answers' })
    await write({ upstreams: { cart: [c.url] }, routes: [{ route: 'GET /api/v1/carts/:id', deadlineMs: 9_000 }] })
    await until(async () => load.answers.at(-1) === 'c', { what: 'the file was looked at without being told' })
    assert.deepEqual(new Set(await load.stop()), new Set(['a', 'b', 'c']))
  })

  test('stay as they are when the file has a fault, and it is said', async (t) => {
    const a = await named(t, 'a')
    const { file, write, writeText } = await routesFile(t, {})
    const door = await startGateway(t, { cart: a.url, given: { ROUTES_FILE: file, ...unlimited } })
    const load = ceaselessly(door.url)
    const routesState = async () => (await ask(door.url, { path: '/ready' })).body.routes
    for (const bad of ['{', '{"routes":[{"route":"GET /new"}]}', '{"upstreams":{"cart":["consul://nowhere"]}}']) {
      await writeText(bad)
      hangUp()
      await until(async () => (await routesState()) === 'outdated', { what: `the fault is noticed: ${bad}` })
      await write({})
      hangUp()
      await until(async () => (await routesState()) === 'current', { what: 'the file is good again' })
    }
    assert.deepEqual(new Set(await load.stop()), new Set(['a']))
  })

  test('a file with a fault at the start is a fault of the configuration', async (t) => {
    const { file } = await routesFile(t, { routes: [{ route: 'GET /new' }] })
    await assert.rejects(startGateway(t, { given: { ROUTES_FILE: file } }), { code: 'config.invalid' })
    await assert.rejects(startGateway(t, { given: { ROUTES_FILE: `${file}.none` } }), { code: 'config.invalid' })
  })
})

describe('instances that Consul (stand-in) knows', () => {
  test('come and go, and Consul goes away, without a failed request', async (t) => {
    const consul = await startConsulStandIn()
    t.after(consul.close)
    const put = (id: string, url: string) =>
      consul.put({ id, name: 'cart', address: '127.0.0.1', port: Number(new URL(url).port) })
    const [a, b] = [await named(t, 'a'), await named(t, 'b')]
    put('a', a.url)
    const door = await startGateway(t, { cart: `consul://127.0.0.1:${consul.port}/cart`, given: unlimited })
    const load = ceaselessly(door.url)
    await until(async () => load.answers.includes('a'), { what: 'the first instance answers' })
    put('b', b.url)
    await until(async () => load.answers.includes('b'), { what: 'the second one too' })
    consul.remove('a')
    const recent = (count: number) => new Set(load.answers.slice(-count))
    await until(async () => recent(30).size === 1 && recent(30).has('b'), {
      what: 'the first one is not asked any more',
    })
    await consul.away()
    const before = load.answers.length
    await until(async () => load.answers.length > before + 100, { what: 'it goes on without Consul' })
    assert.deepEqual(new Set(await load.stop()), new Set(['a', 'b']))
  })
})
