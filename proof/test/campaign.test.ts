import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { skipWithout } from '@micromart/testkit/require-server'

const CAMPAIGN = fileURLToPath(new URL('../src/campaign.ts', import.meta.url))
const installed = ['/usr/lib/rabbitmq/bin/rabbitmq-server', '/usr/bin/redis-server'].every((file) => existsSync(file))
const servers = installed ? {} : { unavailable: 'RabbitMQ and Redis are not both installed here' }

async function campaign(...args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [CAMPAIGN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
    })
  const [code] = await once(child, 'close')
  return { code, output }
}

const lastLine = (output: string) => JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')

const KINDS = [
  ...['kill-instance', 'kill-service', 'restart-instance', 'freeze', 'clock-jump', 'postgres-kill', 'rabbitmq-kill'],
  ...['partition-postgres', 'reset', 'duplicate-messages', 'poison-message', 'webhooks-forged'],
]

describe('the campaign command', () => {
  test('prints the same plan for the same seed, and starts nothing', async () => {
    const words = ['--plan', '--seed', 'abc', '--faults', '40', '--json']
    const [one, two] = await Promise.all([campaign(...words), campaign(...words)])
    assert.equal(one.code, 0, one.output)
    assert.deepEqual(lastLine(one.output), lastLine(two.output))
    assert.equal(lastLine(one.output).plan.length, 40)
  })

  test('refuses what it cannot do, in one sentence, with exit code 2', async () => {
    for (const [words, says] of [
      [['--faults', 'many'], /whole number/],
      [['--kinds', 'earthquake'], /no fault called earthquake/],
      [['--resume', '/nonexistent'], /There is no campaign in/],
      [['--url', 'nowhere'], /not a URL/],
      [['--url', 'http://127.0.0.1:9'], /does not answer/],
    ] as const) {
      const { code, output } = await campaign(...words)
      assert.equal(code, 2, output)
      assert.match(output, says)
    }
  })

  test('breaks a real shop in a dozen ways, and every invariant holds', { skip: skipWithout(servers) }, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'micromart-campaign-'))
    try {
      const words = ['--faults', '12', '--at-once', '4', '--rate', '4', '--seed', 'test', '--keep-going', '--json']
      const { code, output } = await campaign(...words, '--kinds', KINDS.join(','), '--out', join(dir, 'out'))
      const { ok, complete, faults, violations, checkouts, never } = lastLine(output)
      assert.deepEqual(
        { code, ok, complete, faults, violations, never },
        {
          ...{ code: 0, ok: true, complete: true, faults: 12, violations: [], never: 0 },
        },
        output,
      )
      assert.ok(checkouts >= 20, `${checkouts} checkouts`)
      assert.match(await readFile(join(dir, 'out', 'report.html'), 'utf8'), /every invariant held/)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
})
