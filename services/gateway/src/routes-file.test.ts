import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { routes } from './routes.ts'
import { applyRoutesFile } from './routes-file.ts'

const apply = (file: unknown) => applyRoutesFile(JSON.stringify(file), routes)
const faultsOf = (file: unknown) => {
  const applied = apply(file)
  return applied.ok ? [] : applied.error
}
const routeOf = (file: unknown, wanted: string) => {
  const applied = apply(file)
  assert.ok(applied.ok)
  return applied.value.routes.find(({ method, path }) => `${method} ${path}` === wanted)
}

describe('a routes file', () => {
  test('that says nothing changes nothing', () => {
    const applied = apply({})
    assert.ok(applied.ok)
    assert.deepEqual(applied.value, { routes, upstreams: {} })
  })

  test('changes what it names and nothing else', () => {
    const route = 'GET /api/v1/products'
    const before = routeOf({}, route)
    assert.deepEqual(routeOf({ routes: [{ route, deadlineMs: 5, bodyLimitBytes: 0, service: 'cart' }] }, route), {
      ...before,
      deadlineMs: 5,
      bodyLimit: 0,
      service: 'cart',
    })
  })

  test('switches a route off, and adds one', () => {
    assert.equal(
      routeOf({ routes: [{ route: 'GET /api/v1/orders', disabled: true }] }, 'GET /api/v1/orders'),
      undefined,
    )
    const added = { route: 'GET /api/v1/beta/:id', service: 'product', access: 'public' }
    assert.equal(routeOf({ routes: [added] }, added.route)?.service, 'product')
  })

  test('adds a WebSocket, and makes none of what is built in', () => {
    const added = { route: 'GET /live', service: 'order', access: 'public', webSocket: true }
    assert.equal(routeOf({ routes: [added] }, added.route)?.isWebSocket, true)
    assert.equal(routeOf({ routes: [{ ...added, webSocket: undefined }] }, added.route)?.isWebSocket, undefined)
    for (const entry of [
      { ...added, route: 'GET /api/v1/orders' },
      { ...added, route: 'POST /live' },
    ])
      assert.match(faultsOf({ routes: [entry] })[0] ?? '', /^\/routes\/0 \(.*\) is .* WebSocket/)
    assert.match(faultsOf({ routes: [{ ...added, webSocket: false }] })[0] ?? '', /^\/routes\/0\/webSocket /)
  })

  test('may close what is open, and never opens what is closed', () => {
    const open = 'GET /api/v1/products'
    const closed = 'PUT /api/v1/users/:id/roles'
    assert.equal(routeOf({ routes: [{ route: open, access: 'signed-in' }] }, open)?.access, 'signed-in')
    for (const access of ['public', 'signed-in', 'catalogue:write'])
      assert.match(faultsOf({ routes: [{ route: closed, access }] })[0] ?? '', /^\/routes\/0 \(PUT .* opens what/)
  })

  test('with faults is refused, and each is named with its place', () => {
    for (const [file, place] of [
      [[], '/'],
      [{ extra: 1 }, '/extra'],
      [{ routes: [{}] }, '/routes/0'],
      [{ routes: [{ route: 'FETCH /a' }] }, '/routes/0/route'],
      [{ routes: [{ route: 'GET /api/v1/orders', deadlineMs: 0 }] }, '/routes/0/deadlineMs'],
      [{ routes: [{ route: 'GET /api/v1/orders', deadline: 1 }] }, '/routes/0/deadline'],
      [{ routes: [{ route: 'GET /new' }] }, '/routes/0 (GET /new)'],
      [{ routes: [{ route: 'GET /new', disabled: true }] }, '/routes/0 (GET /new)'],
      [
        { routes: [{ route: 'GET /api/v1/orders' }, { route: 'GET /api/v1/orders' }] },
        '/routes/1 (GET /api/v1/orders)',
      ],
      [{ upstreams: { nobody: ['http://a'] } }, '/upstreams/nobody'],
      [{ upstreams: { user: [] } }, '/upstreams/user'],
    ] as const)
      assert.ok(faultsOf(file)[0]?.startsWith(`${place} `), `${JSON.stringify(file)}: ${faultsOf(file)[0]}`)
  })

  test('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => typeof applyRoutesFile(text, routes).ok === 'boolean'),
    )
  })
})
