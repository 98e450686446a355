import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kitProblem } from '@micromart/http-kit/problem'
import { createLogger } from '@micromart/telemetry/logger'
import { createMetrics } from '@micromart/telemetry/metrics'
import { createSuspicions, measureSuspicions } from './suspicions.ts'

const context = { correlationId: 'request-7', causationId: 'request-7', traceparent: '' }

test('a flood of them is counted in full and logged in part; what is ordinary is neither', async () => {
  const lines: string[] = []
  const log = createLogger({ service: 'gateway', destination: { write: (line) => void lines.push(line) } })
  let now = 0
  const suspicions = createSuspicions({ log, nowMs: () => now })
  const metrics = createMetrics()
  measureSuspicions(metrics, suspicions)
  const note = (error: unknown) => suspicions.note(error, { context, method: 'GET' })
  for (const ordinary of [kitProblem('auth.required', ''), kitProblem('route.unknown', ''), new Error('broken')])
    note(ordinary)
  for (let count = 0; count < 1_000; count += 1) note(kitProblem('request.malformed', 'no such address'))
  assert.equal(lines.length, 20)
  now = 1_000
  note(kitProblem('request.malformed', 'no such address'))
  assert.equal(lines.length, 21)
  const { level, code, method, correlationId } = JSON.parse(lines[0] ?? '')
  assert.deepEqual([level, code, method, correlationId], [40, 'request.malformed', 'GET', 'request-7'])
  assert.match(await metrics.text(), /^micromart_gateway_suspicions_total\{code="request.malformed"\} 1001$/m)
})
