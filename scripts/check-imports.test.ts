import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'

type Tree = Record<string, string>

/** A small house in which every rule holds. */
const HOUSE: Tree = {
  'package.json': '{ "dependencies": { "fast": "1" }, "devDependencies": { "probe": "1" } }',
  'node_modules/fast/index.js': 'export const fast = 1',
  'node_modules/probe/index.js': 'export const probe = 1',
  'node_modules/stowaway/index.js': 'export const stowaway = 1',
  'packages/kernel/src/result.ts': 'export const ok = 1',
  'packages/contracts/src/order.ts': "export { ok } from '@micromart/kernel/result'",
  'packages/telemetry/src/logger.ts': "import { fast } from 'fast'\nexport const logger = fast",
  'packages/testkit/src/fake-clock.ts': "export { logger } from '@micromart/telemetry/logger'",
  'services/order/src/domain/order.ts': "export type { ok } from '@micromart/contracts/order'",
  'services/order/src/domain/order.test.ts':
    "import 'node:test'\nimport 'probe'\nimport '@micromart/testkit/fake-clock'",
  'services/order/src/http/routes.ts': "import '../domain/order.ts'",
  'services/order/src/messages/subscriptions.ts': "import '@micromart/telemetry/logger'",
  'services/order/src/adapters/views.ts': "import 'fast'",
  'services/order/src/main.ts':
    "import './http/routes.ts'\nimport './messages/subscriptions.ts'\nimport './adapters/views.ts'",
  'services/cart/src/main.ts': 'export const run = 1',
  'services/cart/src/domain/cart.ts': 'export const cart = 1',
  'services/cart/test/cart.test.ts': "import '../src/domain/cart.ts'",
  'apps/micromart/src/main.ts': "import '@micromart/order/main'\nimport '@micromart/cart/main'",
}

test('an honest house passes, and says how many files were read', (t) => {
  const { lines, status } = check(t, HOUSE)
  assert.deepEqual(lines, ['import rules hold: 14 TypeScript files read, 16 imports'])
  assert.equal(status, 0)
})

test('each broken wall is named with the import that breaks it', (t) => {
  const { lines, status } = check(t, {
    ...HOUSE,
    'services/order/src/service.ts': "import type { cart } from '@micromart/cart/domain/cart'",
    'services/order/src/domain/npm.ts': "import 'fast'",
    'services/order/src/domain/node.ts': "import type { readFile } from 'node:fs'",
    'services/order/src/domain/outward.ts': "import '../http/routes.ts'",
    'services/order/src/domain/lazy.ts': "export const later = () => import('@micromart/telemetry/logger')",
    'services/order/src/http/admin.ts': "import '../adapters/views.ts'",
    'services/order/src/messages/late.ts': "import '../http/routes.ts'",
    'services/order/src/adapters/upward.ts': "import type {} from '../messages/subscriptions.ts'",
    'services/order/src/fake.ts': "import '@micromart/testkit/fake-clock'",
    'services/order/src/probe.ts': "import 'probe'",
    'services/order/src/app.ts': "import '../../../apps/micromart/src/main.ts'",
    'packages/kernel/src/money.ts': "import type { logger } from '@micromart/telemetry/logger'",
    'packages/telemetry/src/sibling.ts': "import '@micromart/contracts/order'",
    'packages/telemetry/src/service.ts': "import '@micromart/order/main'",
    'packages/telemetry/src/stowaway.ts': "import 'stowaway'",
    'packages/telemetry/src/lost.ts': "import './nowhere.ts'",
    'packages/telemetry/src/egg.ts': "import type { hen } from './hen.ts'\nexport const egg = 1",
    'packages/telemetry/src/hen.ts': "import type { egg } from './egg.ts'\nexport const hen = 1",
    'packages/newcomer/src/new.ts': "import '@micromart/kernel/result'",
    'apps/micromart/src/peek.ts': "import '@micromart/cart/domain/cart'",
  })
  const named = lines
    .filter((line) => !line.startsWith('nobody-comes-here'))
    .map((line) => line.replace(/: [^:]*$/, ''))
  assert.deepEqual(named, [
    'development-only: services/order/src/probe.ts -> node_modules/probe/index.js',
    'domain-is-pure: services/order/src/domain/lazy.ts -> packages/telemetry/src/logger.ts',
    'domain-is-pure: services/order/src/domain/node.ts -> fs',
    'domain-is-pure: services/order/src/domain/npm.ts -> node_modules/fast/index.js',
    'domain-is-pure: services/order/src/domain/outward.ts -> services/order/src/http/routes.ts',
    'house-imports-program: services/order/src/app.ts -> apps/micromart/src/main.ts',
    'no-circle: packages/telemetry/src/egg.ts -> packages/telemetry/src/hen.ts -> packages/telemetry/src/egg.ts',
    'not-declared: packages/telemetry/src/stowaway.ts -> node_modules/stowaway/index.js',
    'not-resolved: packages/telemetry/src/lost.ts -> ./nowhere.ts',
    'package-imports-service: packages/telemetry/src/service.ts -> services/order/src/main.ts',
    'package-without-level: packages/newcomer/src/new.ts -> packages/kernel/src/result.ts',
    'packages-look-down: packages/kernel/src/money.ts -> packages/telemetry/src/logger.ts',
    'packages-look-down: packages/telemetry/src/sibling.ts -> packages/contracts/src/order.ts',
    'service-imports-service: services/order/src/service.ts -> services/cart/src/domain/cart.ts',
    'service-inside: apps/micromart/src/peek.ts -> services/cart/src/domain/cart.ts',
    'sides-do-not-meet: services/order/src/adapters/upward.ts -> services/order/src/messages/subscriptions.ts',
    'sides-do-not-meet: services/order/src/http/admin.ts -> services/order/src/adapters/views.ts',
    'sides-do-not-meet: services/order/src/messages/late.ts -> services/order/src/http/routes.ts',
    'testkit-in-tests-only: services/order/src/fake.ts -> packages/testkit/src/fake-clock.ts',
  ])
  assert.ok(
    lines.includes('nobody-comes-here: packages/telemetry/src/hen.ts: no program and no test leads to this file'),
    'a file that nothing leads to is named',
  )
  assert.equal(status, 1)
})

test('files that were not read are a failure, and so is a house without files', (t) => {
  const unread = check(t, { ...HOUSE, 'packages/kernel/src/coverage/hidden.ts': 'export const hidden = 1' })
  assert.deepEqual(unread.lines, [
    '1 of 15 TypeScript files were not read, such as packages/kernel/src/coverage/hidden.ts',
  ])
  assert.equal(unread.status, 1)

  const empty = check(t, { 'package.json': '{}', 'packages/kernel/package.json': '{}' })
  assert.deepEqual(empty.lines, ['no TypeScript file was found: nothing was checked'])
  assert.equal(empty.status, 1)
})

function check(t: TestContext, tree: Tree) {
  const root = mkdtempSync(join(tmpdir(), 'micromart-walls-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(tree)) write(join(root, path), text)
  const homes = new Set(Object.keys(tree).flatMap((path) => /^(?:packages|services)\/[^/]+/.exec(path)?.[0] ?? []))
  mkdirSync(join(root, 'node_modules/@micromart'), { recursive: true })
  for (const home of homes) {
    write(join(root, home, 'package.json'), '{ "type": "module", "exports": { "./*": "./src/*.ts" } }')
    symlinkSync(join(root, home), join(root, 'node_modules/@micromart', basename(home)), 'junction')
  }
  const script = join(import.meta.dirname, 'check-imports.mjs')
  const { stdout, stderr, status } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' })
  assert.equal(stderr, '')
  return { lines: stdout.trim().split('\n'), status }
}

function write(path: string, text: string) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${text}\n`)
}
