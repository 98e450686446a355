import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, test } from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { serviceNames } from '@micromart/service-kit/service'
import { ask, clock, sendRaw, startGateway, startService } from './gateway-harness.ts'

const json =
  (document: object): RequestListener =>
  (_request, response) =>
    void response.end(JSON.stringify(document))

/** A service whose document can change, and that can go down and come back. */
function changing(document: object) {
  const state = { document, down: false }
  const answer: RequestListener = (request, response) =>
    void (state.down ? request.socket.destroy() : response.end(JSON.stringify(state.document)))
  return { state, answer }
}

const STALE_MS = 30_000

describe('health', () => {
  test('the gateway is up by itself; /ready tells which services are', async (t) => {
    const up = await startService(t, json({ status: 'up' }))
    const notReady = await startService(t, (_request, response) => void response.writeHead(503).end('{}'))
    const { url } = await startGateway(t, { user: up.url, cart: up.url, order: notReady.url })
    assert.deepEqual((await ask(url, { path: '/health' })).body, { status: 'up' })
    assert.equal(up.seen.length, 0)
    const { status, body } = await ask(url, { path: '/ready' })
    const upstreams = Object.fromEntries(serviceNames.map((name) => [name, 'down']))
    assert.deepEqual(
      [status, body],
      [200, { status: 'up', routes: 'current', upstreams: { ...upstreams, user: 'up', cart: 'up' } }],
    )
    assert.deepEqual(
      up.seen.map((seen) => seen.url),
      ['/ready', '/ready'],
    )
  })

  test('the root tells where everything is', async (t) => {
    const { url } = await startGateway(t)
    const { body } = await ask(url, { path: '/?anything' })
    for (const path of [body.api, body.openapi, body.health]) assert.equal((await ask(url, { path })).status, 200)
  })

  test('own pages are read and nothing else', async (t) => {
    const { url } = await startGateway(t)
    for (const path of ['/', '/health', '/ready', '/openapi.json', '/docs', '/docs/swagger-ui.css']) {
      const { status, headers } = await ask(url, { method: 'POST', path })
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], path)
      const head = await ask(url, { method: 'HEAD', path })
      assert.deepEqual([head.status, head.text], [200, ''], path)
    }
  })
})

describe('the merged API document', () => {
  const productDocument = {
    paths: {
      '/api/v1/products': { get: { summary: 'list' }, post: { summary: 'add' }, delete: { summary: 'inside only' } },
      '/api/v1/products/{handle}': { get: { summary: 'one' } },
      '/internal': { get: { summary: 'inside only' } },
    },
    components: { schemas: { Product: { type: 'object' } } },
  }
  const orderDocument = {
    paths: { '/api/v1/orders': { get: { summary: 'mine' } } },
    components: { schemas: { Order: { type: 'object' } } },
  }

  test('has what can be reached from outside, and who may call it', async (t) => {
    const product = await startService(t, json(productDocument))
    const order = await startService(t, json(orderDocument))
    const { url } = await startGateway(t, { product: product.url, order: order.url })
    const { headers, body } = await ask(url, { path: '/openapi.json' })
    assert.match(String(headers['content-type']), /^application\/json/)
    assert.match(body.openapi, /^3\.1\./)
    const signedIn = { security: [{ bearer: [] }] }
    assert.deepEqual(body.paths, {
      '/api/v1/products': {
        get: { summary: 'list' },
        post: { summary: 'add', ...signedIn, 'x-access': 'catalogue:write' },
      },
      '/api/v1/products/{handle}': { get: { summary: 'one' } },
      '/api/v1/orders': { get: { summary: 'mine', ...signedIn, 'x-access': 'signed-in' } },
    })
    assert.deepEqual(Object.keys(body.components.schemas).sort(), ['Order', 'Product'])
    const { type, scheme } = body.components.securitySchemes.bearer
    assert.deepEqual([type, scheme], ['http', 'bearer'])
  })

  test('is there without a service that is down or talks nonsense, and whole again as soon as it is back', async (t) => {
    const order = changing(orderDocument)
    const product = await startService(t, json(productDocument))
    const orders = await startService(t, order.answer)
    const nonsense = await startService(t, (_request, response) => void response.end('<html>'))
    const failing = await startService(t, (_request, response) => void response.writeHead(503).end('{"paths":{}}'))
    const { url } = await startGateway(t, {
      product: product.url,
      order: orders.url,
      cart: nonsense.url,
      user: failing.url,
    })
    const others = serviceNames.filter((name) => name !== 'product' && name !== 'order')
    const document = async () => (await ask(url, { path: '/openapi.json' })).body

    order.state.down = true
    const without = await document()
    assert.equal(without.paths['/api/v1/orders'], undefined)
    assert.equal(without.paths['/api/v1/products'].get.summary, 'list')
    assert.deepEqual(without['x-missing'].sort(), [...others, 'order'].sort())

    order.state.down = false
    const whole = await document()
    assert.equal(whole.paths['/api/v1/orders'].get.summary, 'mine')
    assert.deepEqual(whole['x-missing'].sort(), [...others].sort())
    assert.equal(product.seen.length, 1, 'a document that is fresh is not asked for again')

    order.state.down = true
    clock.advance(STALE_MS)
    const kept = await document()
    assert.equal(kept.paths['/api/v1/orders'].get.summary, 'mine')
    assert.deepEqual(kept['x-missing'].sort(), [...others].sort())
    assert.equal(product.seen.length, 2)

    order.state.document = { paths: { '/api/v1/orders': { get: { summary: 'changed' } } } }
    order.state.down = false
    assert.equal((await document()).paths['/api/v1/orders'].get.summary, 'changed')
  })
})

describe('the API page', () => {
  test('comes whole from here: nothing in it is at another host', async (t) => {
    const { url } = await startGateway(t)
    const page = await ask(url, { path: '/docs' })
    assert.equal(page.status, 200)
    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
    assert.doesNotMatch(page.text, /\/\//)
    const references = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path = '']) => path)
    const types = new Map<string, string | undefined>()
    for (const path of references) {
      const { status, headers, text } = await ask(url, { path })
      assert.equal(status, 200, path)
      assert.equal(headers['x-content-type-options'], 'nosniff', path)
      assert.ok(text.length > 50, path)
      types.set(path, headers['content-type'])
    }
    assert.deepEqual(Object.fromEntries(types), {
      '/docs/favicon-32x32.png': 'image/png',
      '/docs/swagger-ui.css': 'text/css; charset=utf-8',
      '/docs/swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
      '/docs/start.js': 'text/javascript; charset=utf-8',
    })
    const css = (await ask(url, { path: '/docs/swagger-ui.css' })).text
    assert.doesNotMatch(css, /@import|url\(\s*["']?(?!["']?data:)/)
    const start = (await ask(url, { path: '/docs/start.js' })).text
    assert.match(start, /url: '\/openapi\.json'/)
    assert.doesNotMatch(start, /\/\//)
  })

  test('runs no script but its own, and cannot be framed', async (t) => {
    const { url } = await startGateway(t)
    const { headers, text } = await ask(url, { path: '/docs' })
    const directives = String(headers['content-security-policy'])
      .split(';')
      .map((directive) => directive.trim().split(' '))
      .map(([name = '', ...sources]) => [name, sources] as const)
    assert.deepEqual(Object.fromEntries(directives), {
      'default-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'object-src': ["'none'"],
      'frame-ancestors': ["'none'"],
      'base-uri': ["'none'"],
    })
    assert.equal(headers['x-content-type-options'], 'nosniff')
    const scripts = [...text.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)]
    assert.equal(scripts.length, 2)
    for (const [, attributes, inline] of scripts) {
      assert.match(String(attributes), / src="/)
      assert.equal(inline, '')
    }
  })

  test('comes packed to whoever takes that, and is the same', async (t) => {
    const { url } = await startGateway(t)
    const path = '/docs/swagger-ui-bundle.js'
    const plain = await ask(url, { path })
    const sizes = []
    for (const [encoding, unpack] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const response = await fetch(`${url}${path}`, { headers: { 'accept-encoding': encoding } })
      assert.equal(response.headers.get('content-encoding'), encoding)
      assert.equal(response.headers.get('vary'), 'Accept-Encoding')
      assert.equal(await response.text(), plain.text)
      const raw = await sendRaw(url, `GET ${path} HTTP/1.0`, 'Host: shop', `Accept-Encoding: ${encoding}`, '', '')
      const body = Buffer.from(raw.slice(raw.indexOf('\r\n\r\n') + 4), 'latin1')
      assert.equal(unpack(body).toString(), plain.text)
      sizes.push(body.length)
    }
    assert.ok(
      sizes.every((size) => size < plain.text.length / 2),
      `${sizes} of ${plain.text.length}`,
    )
    const icon = await ask(url, { path: '/docs/favicon-32x32.png', headers: { 'accept-encoding': 'br' } })
    assert.equal(icon.headers['content-encoding'], undefined)
  })

  test('gives out its own files only', async (t) => {
    const { url } = await startGateway(t)
    for (const name of [
      '',
      'package.json',
      'swagger-ui.js',
      'constructor',
      '__proto__',
      'a/swagger-ui.css',
      '%73tart.js',
    ])
      assert.equal((await ask(url, { path: `/docs/${name}` })).status, 404, name)
    for (const name of ['..%2fpackage.json', '../package.json', '%2e%2e/package.json', 'swagger-ui.css%00.png'])
      assert.equal((await ask(url, { path: `/docs/${name}` })).status, 400, name)
  })
})
