import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, type RequestListener, request as send } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { until } from '@micromart/testkit/until'
import type { CacheRule } from '../src/cache/cache-rule.ts'
import { createResponseCache } from '../src/cache/response-cache.ts'
import { ask, type Call, route, startGatewayTo, startIssuer, startService } from './gateway-harness.ts'

const rule: CacheRule = {
  maxAgeS: 10,
  staleS: 20,
  staleIfErrorS: 300,
  tags: ['things', 'thing/:id'],
  query: ['q', 'limit'],
}
const routes = [
  route('GET /things', { cache: { ...rule, tags: ['things'] } }),
  route('GET /things/:id', { cache: rule, deadlineMs: 500 }),
  route('POST /things', { empties: ['things'] }),
  route('GET /counts/:id', { cache: { ...rule, maxAgeS: 0, staleS: 0, staleIfErrorS: 0, tags: [] } }),
  route('GET /mine', { access: 'signed-in' }),
]

/** A gateway with a cache before a service that counts. */
async function start(
  t: TestContext,
  { answer, mostBytes = 1_000_000, jwksUrl }: { answer?: RequestListener; mostBytes?: number; jwksUrl?: string } = {},
) {
  let nowMs = 1_000_000
  let hearing = true
  let asked = 0
  const service = await startService(
    t,
    answer ??
      ((_request, response) => {
        asked += 1
        response.setHeader('content-type', 'application/json').end(`{"answer":${asked}}`)
      }),
  )
  const cache = createResponseCache({ mostBytes, now: () => nowMs, isHearing: () => hearing })
  const url = await startGatewayTo(t, { url: service.url, routes, cache, ...(jwksUrl ? { jwksUrl } : {}) })
  return {
    url,
    cache,
    seen: service.seen,
    get: (path: string, call: Partial<Call> = {}) => ask(url, { path, ...call }),
    pass: (seconds: number) => {
      nowMs += seconds * 1_000
    },
    deafen: (deaf: boolean) => {
      hearing = !deaf
    },
  }
}

const statusOf = ({ headers }: { headers: IncomingMessage['headers'] }) => headers['cache-status']

/** A service whose answers wait for a word. */
function held() {
  const waiting: (() => void)[] = []
  const answer: RequestListener = (_request, response) =>
    void waiting.push(() => response.setHeader('content-type', 'application/json').end('{"held":true}'))
  return { waiting, answer, arrived: (count: number) => until(async () => waiting.length >= count, { what: 'asked' }) }
}

describe('a public read', () => {
  test('is asked once and kept: the same answer, its age, and where it came from', async (t) => {
    const { get, pass, seen } = await start(t)
    const first = await get('/things/1')
    assert.deepEqual([first.text, statusOf(first)], ['{"answer":1}', 'micromart; fwd=uri-miss; stored'])
    pass(3)
    const second = await get('/things/1')
    assert.deepEqual(
      [second.text, second.headers.age, statusOf(second), second.headers['content-type']],
      ['{"answer":1}', '3', 'micromart; hit; ttl=7', 'application/json'],
    )
    assert.notEqual(second.headers['x-request-id'], first.headers['x-request-id'])
    assert.equal(seen.length, 1)
  })

  test('has a strong ETag; who knows it gets 304 and no body, by any comparison', async (t) => {
    const { get, seen } = await start(t)
    const { headers } = await get('/things/1')
    const etag = String(headers.etag)
    assert.match(etag, /^"[\w-]+"$/)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await get('/things/1', { headers: { 'if-none-match': known } })
      assert.deepEqual([answer.status, answer.text, answer.headers.etag], [304, '', etag], known)
      assert.equal(answer.headers['content-length'], undefined)
    }
    assert.equal((await get('/things/1', { headers: { 'if-none-match': '"other"' } })).status, 200)
    assert.equal(seen.length, 1)
  })

  test("keeps the service's own ETag", async (t) => {
    const { get } = await start(t, { answer: (_request, response) => void response.setHeader('etag', '"7"').end('x') })
    for (let turn = 0; turn < 2; turn++) assert.equal((await get('/things/1')).headers.etag, '"7"')
  })

  test('answers HEAD from what GET has brought, and the other way round', async (t) => {
    const { get, seen } = await start(t)
    const head = await get('/things/1', { method: 'HEAD' })
    assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '12'])
    assert.equal((await get('/things/1')).text, '{"answer":1}')
    const again = await get('/things/1', { method: 'HEAD' })
    assert.deepEqual([again.headers['content-length'], statusOf(again)], ['12', 'micromart; hit; ttl=10'])
    assert.deepEqual(
      seen.map(({ method }) => method),
      ['GET'],
    )
  })

  test('is packed once for all who take it so', async (t) => {
    const text = JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ id, title: `Thing ${id}` })))
    const { url, get } = await start(t, {
      answer: (_request, response) => void response.setHeader('content-type', 'application/json').end(text),
    })
    assert.equal((await get('/things/1')).text, text)
    const packed = async (encoding: string) => {
      const request = send(`${url}/things/1`, { headers: { 'accept-encoding': encoding }, agent: false })
      request.end()
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      return { headers: response.headers, body: Buffer.concat(await response.toArray()) }
    }
    const isPacked = async () => (await packed('br')).headers['content-encoding'] === 'br'
    await until(isPacked, { what: 'the packed form' })
    const [br, gzip] = [await packed('gzip, br'), await packed('gzip')]
    assert.equal(brotliDecompressSync(br.body).toString(), text)
    assert.equal(gunzipSync(gzip.body).toString(), text)
    assert.match(String(br.headers.etag), /^W\/"/)
    assert.equal(br.headers.vary, 'Accept-Encoding')
    assert.equal((await get('/things/1', { headers: { 'if-none-match': String(br.headers.etag) } })).status, 304)
    const plain = await get('/things/1', { headers: { 'accept-encoding': 'identity' } })
    assert.deepEqual([plain.text, plain.headers['content-encoding']], [text, undefined])
  })
})

describe('how long it is kept', () => {
  test('stale, it is shown once more while it is renewed', async (t) => {
    const { get, pass, seen } = await start(t)
    await get('/things/1')
    pass(15)
    const stale = await get('/things/1')
    assert.deepEqual([stale.text, statusOf(stale)], ['{"answer":1}', 'micromart; hit; ttl=-5'])
    await until(async () => (await get('/things/1')).text === '{"answer":2}', { what: 'the new one' })
    assert.equal(seen.length, 2)
    pass(100)
    assert.deepEqual([(await get('/things/1')).text, seen.length], ['{"answer":3}', 3], 'too old to be shown')
  })

  test('when the service fails, what was good a while ago is better than an error, but not for ever', async (t) => {
    let failing: RequestListener | undefined
    const { get, pass } = await start(t, {
      answer: (request, response) => (failing ?? ((_r, reply) => void reply.end('good')))(request, response),
    })
    await get('/things/1')
    const faults: readonly RequestListener[] = [
      (_request, response) => void response.writeHead(500).end('inside'),
      (request) => void request.socket.destroy(),
      (_request, response) => void response.writeHead(200, { 'content-length': 100 }).write('half'),
      () => {}, // never answers
    ]
    for (const fault of faults) {
      failing = fault
      pass(40)
      const answer = await get('/things/1')
      assert.deepEqual([answer.status, answer.text], [200, 'good'])
    }
    failing = faults[0]
    pass(200)
    assert.equal((await get('/things/1')).status, 500)
  })

  test('what the service says is shorter counts, and what it does not want kept is not', async (t) => {
    const { get, pass, seen } = await start(t, {
      answer: (request, response) =>
        void response.setHeader('cache-control', decodeURIComponent(request.url?.slice(8) ?? '')).end('x'),
    })
    for (const [control, keptS] of [
      ['public, max-age=5', 5],
      ['max-age=100, s-maxage="3"', 3],
      ['max-age=99999', 10],
      ['no-cache', 0],
      ['max-age=0', 0],
      ['max-age=x', 0],
    ] as const) {
      const before = seen.length
      const path = `/things/${encodeURIComponent(control)}`
      const fresh = async () => statusOf(await get(path))?.includes('hit; ttl=')
      await get(path)
      assert.equal(await fresh(), keptS > 0, control)
      pass(keptS)
      if (keptS > 0) assert.match(String(statusOf(await get(path))), /ttl=0$/, control)
      await until(async () => seen.length > before, { what: 'asked again' })
    }
  })

  test('without anybody who would say that it has changed it is kept for seconds only', async (t) => {
    const { get, pass, deafen, seen } = await start(t)
    deafen(true)
    await get('/things/1')
    pass(1)
    await get('/things/1')
    assert.equal(seen.length, 1)
    pass(3)
    await get('/things/1')
    assert.equal(seen.length, 2)
  })

  test('no more than there is room for: what was used least goes first', async (t) => {
    const { get, cache, seen } = await start(t, {
      mostBytes: 40_000,
      answer: (_request, response) => void response.end('x'.repeat(4_000)),
    })
    for (let id = 0; id < 50; id++) {
      await get(`/things/${id}`)
      await get('/things/0')
    }
    assert.ok(cache.size().bytes <= 40_000 && cache.size().entries > 3, JSON.stringify(cache.size()))
    assert.equal(seen.length, 50)
  })
})

describe('what empties it', () => {
  test('a tag, and nothing else', async (t) => {
    const { get, cache, seen } = await start(t)
    for (const path of ['/things/A', '/things/b', '/things']) await get(path)
    cache.empty(['thing/a'])
    for (const path of ['/things/A', '/things/b', '/things']) await get(path)
    assert.equal(seen.length, 4)
    cache.empty(['things'])
    for (const path of ['/things/A', '/things/b', '/things']) await get(path)
    assert.equal(seen.length, 7)
    assert.equal((await get('/things/%41')).text, '{"answer":8}')
    cache.empty(['thing/a'])
    assert.deepEqual(
      [(await get('/things/%41')).text, (await get('/things/A')).text],
      ['{"answer":9}', '{"answer":10}'],
    )
  })

  test('everything', async (t) => {
    const { get, cache, seen } = await start(t)
    for (let turn = 0; turn < 2; turn++) {
      await get('/things/1')
      await get('/things')
      cache.emptyAll()
    }
    assert.deepEqual([seen.length, cache.size()], [4, { bytes: 0, entries: 0 }])
  })

  test('a write that passes here: who wrote reads what it wrote', async (t) => {
    const { get, seen } = await start(t)
    await get('/things/1')
    await get('/things', { method: 'POST', body: 'x' })
    assert.equal((await get('/things/1')).text, '{"answer":3}')
    assert.equal(seen.length, 3)
  })

  test('an answer that was under way when something changed is given to who waited, and not kept', async (t) => {
    const { waiting, answer, arrived } = held()
    const { get, cache, seen } = await start(t, { answer })
    const first = get('/things/1')
    await arrived(1)
    cache.empty(['thing/1'])
    const second = get('/things/1') // after the change: it must not get what was before
    await arrived(2)
    for (const each of waiting) each()
    assert.deepEqual([(await first).status, (await second).status], [200, 200])
    assert.equal(statusOf(await first), 'micromart; fwd=uri-miss')
    assert.match(String(statusOf(await get('/things/1'))), /hit/)
    assert.equal(seen.length, 2)
  })
})

describe('equal questions at the same time', () => {
  test('are one question, also where nothing is kept', async (t) => {
    for (const path of ['/things/1', '/counts/1']) {
      const { waiting, answer, arrived } = held()
      const { get, seen, cache } = await start(t, { answer })
      const all = Array.from({ length: 20 }, () => get(path))
      await arrived(1)
      await until(async () => cache.counts.misses === 20, { what: 'all have asked' })
      waiting[0]?.()
      for (const { status, text } of await Promise.all(all)) assert.deepEqual([status, text], [200, '{"held":true}'])
      assert.equal(seen.length, 1)
      const collapsed = (await Promise.all(all)).filter((each) => String(statusOf(each)).endsWith('; collapsed'))
      assert.deepEqual([collapsed.length, cache.counts.collapsed], [19, 19])
    }
  })

  test('a question that fails fails for all who waited, and for nobody else', async (t) => {
    let failing = true
    const waiting: (() => void)[] = []
    const { get, seen, cache } = await start(t, {
      answer: (request, response) =>
        failing ? void waiting.push(() => request.socket.destroy()) : void response.end('good'),
    })
    const all = Array.from({ length: 5 }, () => get('/things/1'))
    await until(async () => waiting.length === 1 && cache.counts.misses === 5, { what: 'all have asked' })
    waiting[0]?.()
    await until(async () => waiting.length === 2, { what: 'a read is sent once more' })
    failing = false
    waiting[1]?.()
    for (const { status } of await Promise.all(all)) assert.ok(status === 502 || status === 503, `${status}`)
    assert.equal((await get('/things/1')).text, 'good')
    assert.equal(seen.length, 3)
  })

  test('a slow one keeps its deadline, and holds nobody who comes much later', async (t) => {
    const { waiting, answer, arrived } = held()
    const { get, pass } = await start(t, { answer })
    const first = get('/things/1')
    await arrived(1)
    pass(2)
    const second = get('/things/1')
    await arrived(2)
    waiting[1]?.()
    assert.equal((await second).status, 200)
    assert.match(String(statusOf(await first)), /hit/, 'at its deadline it gets what has come meanwhile')
    const nobody = [get('/things/2'), get('/things/2')]
    for (const { status, body } of await Promise.all(nobody))
      assert.deepEqual([status, body.code], [504, 'gateway.timeout'])
  })

  test('a client that leaves takes nobody with it; the last one ends a question of which nothing is kept', async (t) => {
    const { waiting, answer, arrived } = held()
    const gone: string[] = []
    const { url, get, cache } = await start(t, {
      answer: (request, response) => {
        response.once('close', () => response.writableFinished || gone.push(request.url ?? ''))
        answer(request, response)
      },
    })
    const leaving = send(`${url}/counts/1`, { agent: false }).on('error', () => {})
    leaving.end()
    await arrived(1)
    const staying = get('/counts/1')
    await until(async () => cache.counts.collapsed === 1, { what: 'both wait' })
    leaving.destroy()
    await until(async () => leaving.closed, { what: 'it is gone' })
    waiting[0]?.()
    assert.equal((await staying).status, 200)
    const last = send(`${url}/counts/1`, { agent: false }).on('error', () => {})
    last.end()
    await arrived(2)
    last.destroy()
    await until(async () => gone.length === 1, { what: 'the service sees that nobody waits any more' })
  })
})

describe('nothing gets in that is not for everybody', () => {
  test('the service hears the same question from everybody: no header of a client reaches it', async (t) => {
    const { get, seen } = await start(t)
    const poison = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'gopher',
      'x-original-url': '/admin',
      'x-rewrite-url': '/admin',
      'x-http-method-override': 'DELETE',
      cookie: 'session=1',
      'cart-token': 'x'.repeat(43),
      'accept-language': 'xx',
      accept: 'text/html',
      origin: 'https://evil.example',
      range: 'bytes=0-1',
      'if-none-match': '"x"',
      'cache-control': 'no-store',
      pragma: 'no-cache',
      'user-agent': 'evil',
      'x-anything': 'evil',
    }
    assert.equal((await get('/things/1', { headers: poison })).status, 200)
    const heard = JSON.stringify(seen[0]?.headers)
    assert.doesNotMatch(heard, /evil|gopher|admin|DELETE|session|xxxx|text\/html|bytes|no-store|no-cache/)
    assert.match(String(statusOf(await get('/things/1'))), /hit/)
    assert.equal(seen.length, 1)
  })

  test('a GET with a body is passed on, and its answer is not kept', async (t) => {
    const { get, seen } = await start(t, {
      answer: (request, response) => {
        let body = ''
        request.setEncoding('utf8').on('data', (part: string) => {
          body += part
        })
        request.once('end', () => response.end(`got ${body}`))
      },
    })
    const fat = await get('/things/1', { body: 'evil', headers: { 'content-length': '4' } })
    assert.deepEqual([fat.text, statusOf(fat)], ['got evil', 'micromart; fwd=bypass'])
    assert.equal((await get('/things/1')).text, 'got ')
    assert.equal(seen.length, 2)
  })

  test('however its query is written, it is asked and kept in one spelling', async (t) => {
    const { get, seen } = await start(t)
    for (const query of ['q=a+b&limit=2', 'limit=2&q=a%20b', 'l%69mit=2&&q=a%20b&']) await get(`/things?${query}`)
    assert.deepEqual(
      seen.map(({ url }) => url),
      ['/things?limit=2&q=a%20b'],
    )
    await get('/things?q=a%26limit%3D3&limit=2')
    assert.equal(seen[1]?.url, '/things?limit=2&q=a%26limit%3D3')
  })

  test('a query that the service may read otherwise is passed on as it is', async (t) => {
    const { get, seen } = await start(t)
    for (const query of ['cachebuster=1', 'q=%ff', 'q[]=1', 'utm_source=x&q=1']) {
      for (let turn = 0; turn < 2; turn++)
        assert.equal(statusOf(await get(`/things?${query}`)), 'micromart; fwd=bypass', query)
      assert.equal(seen.at(-1)?.url, `/things?${query}`)
    }
    assert.equal(seen.length, 8)
  })

  test('only a plain 200 is kept', async (t) => {
    const { get, seen } = await start(t, {
      answer: (request, response) => void response.writeHead(Number(request.url?.slice(8))).end(),
    })
    for (const status of [201, 203, 301, 400, 401, 404, 410, 429]) {
      const before = seen.length
      for (let turn = 0; turn < 2; turn++) assert.equal((await get(`/things/${status}`)).status, status)
      assert.equal(seen.length, before + 2, `${status}`)
    }
  })

  test('what the service calls personal is neither kept nor shared: each asks for itself', async (t) => {
    const personal = [
      ['set-cookie', 'a=1'],
      ['cache-control', 'private'],
      ['cache-control', 'max-age=60, no-store'],
      ['vary', '*'],
    ] as const
    for (const [name, value] of personal) {
      const { get, seen } = await start(t, {
        answer: (request, response) =>
          void response.setHeader(name, value).end(`for ${request.headers['cart-token'] ?? 'nobody'}`),
      })
      for (const token of ['one', 'two'])
        assert.equal((await get('/things/1', { headers: { 'cart-token': token } })).text, `for ${token}`, name)
      assert.equal(seen.length, 3, 'once for nobody, then for each')
    }
  })

  test('an answer that varies is given only to those who ask as it was asked', async (t) => {
    const { get, seen } = await start(t, {
      answer: (request, response) =>
        void response.setHeader('vary', 'Accept-Language').end(`in ${request.headers['accept-language'] ?? 'any'}`),
    })
    const swiss = { headers: { 'accept-language': 'de-CH' } }
    assert.equal((await get('/things/1')).text, 'in any')
    assert.deepEqual([(await get('/things/1', swiss)).text, (await get('/things/1')).text], ['in de-CH', 'in any'])
    assert.equal(seen.length, 2)
  })

  test('an answer that is too large is passed on', async (t) => {
    const size = 2 * 1024 * 1024
    for (const headers of [{}, { 'content-length': String(size) }]) {
      const { get, cache } = await start(t, {
        answer: (_request, response) => void response.writeHead(200, headers).end('x'.repeat(size)),
      })
      for (let turn = 0; turn < 2; turn++) {
        const answer = await get('/things/1')
        assert.deepEqual([answer.text.length, statusOf(answer)], [size, 'micromart; fwd=bypass'])
      }
      assert.equal(cache.size().entries, 0)
    }
  })

  test('who may see more is asked for by themselves; a customer gets what everybody gets', async (t) => {
    const { jwksUrl, as } = await startIssuer(t)
    const { get, seen } = await start(t, {
      jwksUrl,
      answer: (request, response) => void response.end(request.headers.authorization ? 'all' : 'public'),
    })
    const [staff, customer] = [await as('staff'), await as('customer')]
    assert.equal((await get('/things/1', { token: staff })).text, 'all')
    assert.equal((await get('/things/1', { token: customer })).text, 'public')
    assert.equal((await get('/things/1')).text, 'public')
    assert.equal((await get('/things/1', { token: staff })).text, 'all')
    assert.equal(seen.length, 3)
    const { status, body } = await get('/things/1', { token: 'not.a.token' })
    assert.deepEqual([status, body.code], [401, 'auth.invalid-token'])
  })

  test('a route without a rule is never kept', async (t) => {
    const { jwksUrl, as } = await startIssuer(t)
    const { get, seen } = await start(t, { jwksUrl })
    const token = await as('customer')
    for (let turn = 0; turn < 2; turn++)
      assert.equal((await get('/mine', { token })).headers['cache-status'], undefined)
    assert.equal(seen.length, 2)
  })
})
