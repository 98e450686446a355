import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request as send } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request as sendTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from '@micromart/testkit/free-ports'
import { skipWithout } from '@micromart/testkit/require-server'
import { until } from '@micromart/testkit/until'
import { Agent, WebSocket } from 'undici'
import { startGateway, startService } from './gateway-harness.ts'
import { startWebSocketService } from './web-socket-service.ts'

const NGINX = '/usr/sbin/nginx'
const skip = skipWithout(existsSync(NGINX) ? {} : { unavailable: `nginx is not installed: there is no ${NGINX}` })
const RENDER = fileURLToPath(new URL('../../../deploy/nginx/render.mjs', import.meta.url))
const run = promisify(execFile)

/** A real nginx with the configuration that is deployed, in front of these gateways. */
async function startNginx(t: TestContext, gateways: readonly string[], given: Readonly<Record<string, string>> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'micromart-nginx-'))
  await chmod(dir, 0o755)
  await mkdir(join(dir, 'pages'))
  await writeFile(join(dir, 'pages', 'index.html'), 'the storefront')
  const [certificate, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await run('openssl', ['req', '-x509', ...newKey, '-keyout', key, '-out', certificate, '-days', '2', ...subject])
  const [http = 0, https = 0] = await freePorts(2)
  const file = join(dir, 'nginx.conf')
  const write = async (to: readonly string[]) => {
    const environment = {
      USER: process.getuid?.() === 0 ? 'www-data' : 'nobody',
      WORKERS: '2',
      STATE_DIR: dir,
      ERROR_LOG: join(dir, 'error.log'),
      ACCESS_LOG: join(dir, 'access.log'),
      HTTP_LISTEN: `127.0.0.1:${http}`,
      HTTPS_LISTEN: `127.0.0.1:${https}`,
      CERTIFICATE: certificate,
      CERTIFICATE_KEY: key,
      GATEWAYS: to.map((url) => new URL(url).host).join(','),
      STOREFRONT_ROOT: join(dir, 'pages'),
      REQUESTS_PER_SECOND: '100000',
      BURST: '1000',
      ...given,
    }
    const { stdout } = await run(process.execPath, [RENDER], { env: environment })
    await writeFile(file, stdout)
  }
  await write(gateways)
  await run(NGINX, ['-t', '-q', '-c', file])
  const server: ChildProcess = spawn(NGINX, ['-c', file, '-g', 'daemon off;'], { stdio: 'ignore' })
  t.after(async () => {
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await ended
    await rm(dir, { recursive: true })
  })
  const ca = await readFile(certificate)
  const nginx = {
    httpUrl: `http://127.0.0.1:${http}`,
    tls: { host: '127.0.0.1', port: https, servername: 'localhost', ca },
    reload: async (to: readonly string[]) => {
      await write(to)
      server.kill('SIGHUP')
    },
    accessLog: () => readFile(join(dir, 'access.log'), 'utf8'),
  }
  await until(
    () =>
      ask(nginx, '/').then(
        () => true,
        () => false,
      ),
    { what: 'nginx answers' },
  )
  return nginx
}
type Nginx = Awaited<ReturnType<typeof startNginx>>

interface Told {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly text: string
}

/** One HTTP/1.1 request over TLS. */
async function ask(
  { tls }: Pick<Nginx, 'tls'>,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Told> {
  const request = sendTls({ ...tls, path, method, agent: false, headers: { host: 'localhost', ...headers } })
  request.end(body)
  const [response] = await once(request, 'response')
  const text = (await response.setEncoding('utf8').toArray()).join('')
  return { status: response.statusCode, headers: response.headers, rawHeaders: response.rawHeaders, text }
}

async function askHttp2({ tls }: Nginx, path: string) {
  const session = connectHttp2(`https://localhost:${tls.port}`, { ...tls, ALPNProtocols: ['h2'] })
  const stream = session.request({ ':path': path })
  const [headers] = await once(stream, 'response')
  const text = (await stream.setEncoding('utf8').toArray()).join('')
  session.close()
  return { status: headers[':status'], text, protocol: session.alpnProtocol }
}

/** Never kept by a gateway itself. */
const carts = '/api/v1/carts/1'
const generous = { RATE_LIMITS: 'all=999999/1', TRUSTED_PROXIES: '127.0.0.1' }

/** A real gateway, and a cart service behind it. */
async function startShop(t: TestContext, name = 'the cart') {
  const cart = await startService(t, (_request, response) => void response.end(name))
  const gateway = await startGateway(t, { cart: cart.url, given: generous })
  return { cart, gateway }
}

/** Asks without a pause until it is stopped. */
function ceaselessly(nginx: Nginx) {
  let going = true
  const answers: string[] = []
  const one = async () => {
    while (going)
      answers.push(
        await ask(nginx, carts).then(({ status, text }) => (status === 200 ? text : `${status} ${text}`), String),
      )
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

describe('nginx in front', { skip }, () => {
  test('speaks HTTP/2 and HTTP/1.1 over TLS 1.2 and 1.3, and nothing older', async (t) => {
    const { gateway } = await startShop(t)
    const nginx = await startNginx(t, [gateway.url])
    assert.deepEqual(await askHttp2(nginx, carts), { status: 200, text: 'the cart', protocol: 'h2' })
    assert.deepEqual([(await ask(nginx, carts)).text, (await ask(nginx, '/')).text], ['the cart', 'the storefront'])
    const versionWith = async (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') => {
      const options = { ...nginx.tls, minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }
      const socket = connectTls(options)
      await once(socket, 'secureConnect').finally(() => socket.destroy())
      return socket.getProtocol()
    }
    await versionWith('TLSv1.2')
    await versionWith('TLSv1.3')
    await assert.rejects(versionWith('TLSv1.1'))
  })

  test('takes ciphers with forward secrecy and authentication, and no others', async (t) => {
    const nginx = await startNginx(t, ['http://127.0.0.1:9'])
    const cipherOf = async (cipher: string) => {
      const socket = connectTls({ ...nginx.tls, maxVersion: 'TLSv1.2', ciphers: `${cipher}:@SECLEVEL=0` })
      try {
        await once(socket, 'secureConnect')
        return socket.getCipher().name
      } finally {
        socket.destroy()
      }
    }
    for (const good of ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'])
      assert.equal(await cipherOf(good), good)
    for (const weak of ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA', 'AES128-GCM-SHA256', 'NULL', 'ADH'])
      await assert.rejects(cipherOf(weak), weak)
  })

  test('sends a browser without TLS there, on its own host; a program is refused, for it would not notice', async (t) => {
    const { gateway, cart } = await startShop(t)
    const nginx = await startNginx(t, [gateway.url])
    const plainly = async (path: string) => {
      const request = send(`${nginx.httpUrl}${path}`, { headers: { host: 'evil.example', authorization: 'Bearer a' } })
      request.end()
      const [response] = await once(request, 'response')
      const text = (await response.setEncoding('utf8').toArray()).join('')
      return { status: response.statusCode, location: response.headers.location, text }
    }
    const moved = await plainly('/a?b=c')
    assert.deepEqual([moved.status, moved.location], [301, 'https://localhost/a?b=c'])
    for (const path of [carts, '/health', '/openapi.json', '/.well-known/jwks.json']) {
      const refused = await plainly(path)
      assert.deepEqual([refused.status, JSON.parse(refused.text).code], [403, 'request.tls-required'], path)
    }
    assert.equal(cart.seen.length, 0)
  })

  test('tells browsers to come by TLS from now on, whoever answers', async (t) => {
    const { gateway } = await startShop(t)
    const nginx = await startNginx(t, [gateway.url])
    for (const path of ['/', carts]) {
      const { headers } = await ask(nginx, path)
      assert.equal(headers['strict-transport-security'], 'max-age=31536000; includeSubDomains', path)
    }
  })

  test('says who asked and how; lies of a client do not pass; nothing is said twice; queries are not logged', async (t) => {
    const { gateway, cart } = await startShop(t)
    const nginx = await startNginx(t, [gateway.url])
    const lies = {
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-proto': 'gopher',
      forwarded: 'for=1.2.3.4',
      'x-real-ip': '1.2.3.4',
    }
    const told = await ask(nginx, `${carts}?secret=word`, { headers: { ...lies, 'x-request-id': 'my-request' } })
    const { headers } = cart.seen[0] ?? {}
    assert.deepEqual([headers?.['x-forwarded-for'], headers?.['x-forwarded-proto']], ['127.0.0.1', 'https'])
    assert.deepEqual([headers?.['forwarded'], headers?.['x-real-ip']], [undefined, undefined])
    assert.deepEqual([headers?.['x-request-id'], told.headers['x-request-id']], ['my-request', 'my-request'])
    const names = told.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
    assert.deepEqual(names, [...new Set(names)])
    const line = await until(async () => (await nginx.accessLog()).split('\n').find((each) => each.includes(carts)), {
      what: 'the access log',
    })
    assert.deepEqual(
      [JSON.parse(line).path, JSON.parse(line).requestId, line.includes('secret')],
      [carts, 'my-request', false],
    )
  })

  test('limits bodies and requests, and says so as everybody does', async (t) => {
    const { gateway } = await startShop(t)
    const nginx = await startNginx(t, [gateway.url], { BODY_LIMIT: '1k', REQUESTS_PER_SECOND: '1', BURST: '5' })
    const big = await ask(nginx, carts, { method: 'POST', body: 'x'.repeat(2_000) })
    assert.deepEqual([big.status, JSON.parse(big.text).code], [413, 'request.too-large'])
    const many = await Promise.all(Array.from({ length: 20 }, () => ask(nginx, carts)))
    const refused = many.find(({ status }) => status === 429)
    assert.ok(refused)
    const { 'content-type': type, 'retry-after': retryAfter } = refused.headers
    assert.deepEqual(
      [type, retryAfter, JSON.parse(refused.text).code],
      ['application/problem+json', '1', 'request.too-many'],
    )
  })

  test('cuts off who is too slow with headers', async (t) => {
    const { gateway } = await startShop(t)
    const nginx = await startNginx(t, [gateway.url], { HEADER_TIMEOUT: '1s' })
    const slow = connectTls(nginx.tls)
    const closed = new Promise((resolve) => slow.once('close', resolve))
    slow
      .on('error', () => {})
      .resume()
      .write('GET / HTTP/1.1\r\nHost: local')
    await closed
  })

  test('passes each event of a stream on at once', async (t) => {
    const waiting: (() => void)[] = []
    const order = await startService(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
      waiting.push(() => response.end('data: 2\n\n'))
    })
    const dir = await mkdtemp(join(tmpdir(), 'micromart-routes-'))
    t.after(() => rm(dir, { recursive: true }))
    const file = join(dir, 'routes.json')
    const events = { route: 'GET /api/v1/orders/:id/events', service: 'order', access: 'public' }
    await writeFile(file, JSON.stringify({ routes: [events] }))
    const gateway = await startGateway(t, { order: order.url, given: { ...generous, ROUTES_FILE: file } })
    const nginx = await startNginx(t, [gateway.url])
    const request = sendTls({
      ...nginx.tls,
      path: '/api/v1/orders/1/events',
      agent: false,
      headers: { host: 'localhost' },
    })
    request.end()
    const [response] = await once(request, 'response')
    const [first] = await once(response, 'data')
    assert.equal(String(first), 'data: 1\n\n', 'the first event is here while the second is not sent')
    for (const goOn of waiting) goOn()
    const [second] = await once(response, 'data')
    assert.equal(String(second), 'data: 2\n\n')
  })

  test('passes a WebSocket on, over TLS and in both directions', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'micromart-routes-'))
    t.after(() => rm(dir, { recursive: true }))
    const file = join(dir, 'routes.json')
    const live = { route: 'GET /api/v1/live', service: 'order', access: 'public', webSocket: true }
    await writeFile(file, JSON.stringify({ routes: [live] }))
    const order = await startWebSocketService(t)
    const gateway = await startGateway(t, { order: order.url, given: { ...generous, ROUTES_FILE: file } })
    const { tls } = await startNginx(t, [gateway.url])
    const dispatcher = new Agent({ connect: { ca: tls.ca, servername: tls.servername } })
    t.after(() => dispatcher.destroy())
    const socket = new WebSocket(`wss://127.0.0.1:${tls.port}/api/v1/live`, { dispatcher })
    const answer = new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data)))
    socket.addEventListener('open', () => socket.send('hello'))
    assert.equal(await answer, 'hello')
    const end = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
    socket.close(1000)
    assert.equal(await end, 1000)
  })

  test('reloads under load without a failed request', async (t) => {
    const [one, two] = [await startShop(t, 'one'), await startShop(t, 'two')]
    const nginx = await startNginx(t, [one.gateway.url])
    const load = ceaselessly(nginx)
    await until(async () => load.answers.includes('one'), { what: 'the first gateway answers' })
    await nginx.reload([one.gateway.url, two.gateway.url])
    await until(async () => load.answers.includes('two'), { what: 'the second one too' })
    assert.deepEqual(new Set(await load.stop()), new Set(['one', 'two']))
  })

  test('goes on without a failed request when one of two gateways ends', async (t) => {
    const [one, two] = [await startShop(t, 'one'), await startShop(t, 'two')]
    const nginx = await startNginx(t, [one.gateway.url, two.gateway.url])
    const load = ceaselessly(nginx)
    await until(async () => load.answers.includes('one') && load.answers.includes('two'), { what: 'both answer' })
    await one.gateway.close()
    const before = load.answers.length
    await until(async () => load.answers.length > before + 100, { what: 'it goes on' })
    assert.deepEqual(new Set(await load.stop()), new Set(['one', 'two']))
  })

  test('has nobody behind it: the same problem as from a gateway', async (t) => {
    const nginx = await startNginx(t, ['http://127.0.0.1:9'])
    const { status, headers, text } = await ask(nginx, carts)
    assert.deepEqual(
      [status, headers['content-type'], JSON.parse(text).code],
      [503, 'application/problem+json', 'service.unavailable'],
    )
  })
})
