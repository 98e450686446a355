import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

test('a scrape reads what was counted until then', async () => {
  const metrics = createMetrics()
  let shed = 1
  metrics.observe({
    name: 'shop_shed_total',
    help: 'Refused.',
    kind: 'counter',
    read: () => [{ labels: { service: 'cart' }, value: shed }],
  })
  assert.match(await metrics.text(), /# TYPE shop_shed_total counter\nshop_shed_total\{service="cart"\} 1\n/)
  shed += 1
  assert.match(await metrics.text(), /\nshop_shed_total\{service="cart"\} 2\n/)
})

test('a histogram counts in each bucket what is no longer than it, and sums up', async () => {
  const metrics = createMetrics()
  const histogram = metrics.histogram({ name: 'shop_seconds', help: 'Durations.', buckets: [0.01, 0.1] })
  const series = histogram.of({ route: '/things/:id' })
  for (const seconds of [0.01, 0.02, 0.1, 5]) series.add(seconds)
  histogram.of({ route: '/never' })
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('shop_seconds'))
  assert.deepEqual(lines, [
    'shop_seconds_bucket{le="0.01",route="/things/:id"} 1',
    'shop_seconds_bucket{le="0.1",route="/things/:id"} 3',
    'shop_seconds_bucket{le="+Inf",route="/things/:id"} 4',
    'shop_seconds_sum{route="/things/:id"} 5.13',
    'shop_seconds_count{route="/things/:id"} 4',
    'shop_seconds_bucket{le="0.01",route="/never"} 0',
    'shop_seconds_bucket{le="0.1",route="/never"} 0',
    'shop_seconds_bucket{le="+Inf",route="/never"} 0',
    'shop_seconds_sum{route="/never"} 0',
    'shop_seconds_count{route="/never"} 0',
  ])
})

test('what Node says of itself is in it', async () => {
  assert.match(await createMetrics().text(), /^nodejs_heap_size_used_bytes \d+$/m)
})
