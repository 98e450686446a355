import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { freePorts } from '@micromart/testkit/free-ports'
import { until } from '@micromart/testkit/until'
import { ask, startGateway, startService } from './gateway-harness.ts'

const path = '/api/v1/products'

describe('metrics', () => {
  test('stand on a port of their own, and tell what has happened by route and service', async (t) => {
    const [port = 0] = await freePorts(1)
    const service = await startService(t)
    const door = await startGateway(t, { product: service.url, given: { METRICS_PORT: String(port) } })
    const metrics = `http://127.0.0.1:${port}`
    for (const target of [path, `${path}/secret-handle?q=secret`, `${path}/other`, '/api/v1/coupons', '/health'])
      await ask(door.url, { path: target })
    await ask(door.url, { path: '/mailbox' }) // nobody is there
    const route = (pattern: string, status: string, method = 'GET') =>
      `_count{method="${method}",route="${pattern}",status="${status}"}`
    const text = await until(
      async () => {
        const { text: read } = await ask(metrics, { path: '/metrics' })
        return read.includes(route('/mailbox', '5xx')) && read
      },
      { what: 'the last request is counted' },
    )
    for (const expected of [
      `${route(path, '2xx')} 1`,
      `${route(`${path}/:idOrHandle`, '2xx')} 2`,
      `${route('/api/v1/coupons', '4xx')} 1`,
      `${route('none', '2xx', 'none')} 1`,
      `${route('/mailbox', '5xx')} 1`,
      'micromart_gateway_in_flight{service="product"} 0',
      'micromart_gateway_breaker_state{service="product"} 0',
      'micromart_gateway_shed_total{service="cart"} 0',
      'micromart_gateway_web_sockets 0',
      'micromart_gateway_instances{service="product"} 1',
      'micromart_gateway_instances_left_out{service="product"} 0',
    ])
      assert.ok(text.includes(expected), expected)
    assert.doesNotMatch(text, /secret/)
    assert.equal((await ask(metrics, { path: '/' })).status, 404)
    assert.equal((await ask(door.url, { path: '/metrics' })).status, 404)
  })
})
