import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createLogger } from '@micromart/telemetry/logger'
import { type AccessLogOptions, createAccessLog } from './access-log.ts'

const context = { correlationId: 'request-7', causationId: 'request-7', traceparent: '' }
const ordinary = { method: 'GET', route: '/api/v1/orders/:id', status: 200, durationMs: 12.345, context }

function logTo(options: Partial<AccessLogOptions> = {}) {
  const lines: string[] = []
  const time = { nowMs: 0 }
  const log = createLogger({ service: 'gateway', destination: { write: (line) => void lines.push(line) } })
  const access = createAccessLog({
    log,
    samplePercent: 0,
    slowMs: 1_000,
    random: () => 0.5,
    nowMs: () => time.nowMs,
    ...options,
  })
  return { access, time, lines: () => lines.map((line) => JSON.parse(line)) }
}

describe('access log', () => {
  test('some of the ordinary requests, as the dice fall', () => {
    let die = 0
    const { access, lines } = logTo({ samplePercent: 10, random: () => (die++ % 100) / 100 })
    for (let count = 0; count < 100; count += 1) access({ ...ordinary, status: count % 2 ? 200 : 404 })
    assert.equal(lines().length, 10)
    const { method, route, status, durationMs, correlationId } = lines()[1]
    assert.deepEqual([method, route, status, durationMs], ['GET', '/api/v1/orders/:id', 200, 12.3])
    assert.equal(correlationId, 'request-7')
  })

  test('0 is none and 100 is all', () => {
    for (const [samplePercent, count] of [
      [0, 0],
      [100, 50],
    ] as const) {
      const { access, lines } = logTo({ samplePercent, random: Math.random })
      for (let each = 0; each < 50; each += 1) access(ordinary)
      assert.equal(lines().length, count)
    }
  })

  test('what failed here, and what was slow, always', () => {
    const { access, lines } = logTo()
    access({ ...ordinary, status: 503 })
    access({ ...ordinary, durationMs: 1_000 })
    access({ ...ordinary, status: 404 })
    assert.deepEqual(
      lines().map(({ level, status }) => [level, status]),
      [
        [40, 503],
        [30, 200],
      ],
    )
  })

  test('a flood of failures is cut short, and how many were left out is said', () => {
    const { access, time, lines } = logTo()
    for (let count = 0; count < 10_000; count += 1) access({ ...ordinary, status: 500 })
    assert.equal(lines().length, 200)
    time.nowMs = 1_000
    access({ ...ordinary, status: 500 })
    assert.deepEqual(
      lines()
        .slice(200)
        .map(({ left, status }) => left ?? status),
      [9_800, 500],
    )
  })
})
