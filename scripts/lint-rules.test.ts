import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'

const projectDir = dirname(import.meta.dirname)
const DOMAIN = 'services/order/src/domain/order.ts'

test('an impure domain is refused, line by line', (t) => {
  const lines = [
    'export const clock = () => Date.now()',
    'export const today = () => new Date()',
    'export const dice = () => Math.random()',
    'export const later = async () => 1',
    'export async function wait() {}',
    'export const object = { async method() {} }',
    "export const lazy = () => import('./other.ts')",
    'export const machine = () => process.pid',
    'export const network = () => fetch',
    'export const id = () => crypto.randomUUID()',
    'export type Later = Promise<string>',
    'export const soon = () => setTimeout',
    'export const given = (at: string) => new Date(at)',
  ]
  const found = lint(t, { [DOMAIN]: lines.join('\n') })
  assert.deepEqual(new Set(found.map(({ line }) => line)), new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]))
})

test('outside a domain, and in its tests, time and promises are free', (t) => {
  const free = 'export const late = async () => await Promise.resolve(new Date(Date.now() + Math.random()))'
  assert.deepEqual(
    lint(t, { 'services/order/src/service.ts': free, 'services/order/src/domain/order.test.ts': free }),
    [],
  )
})

test('the rules that need types see through the files of the project', (t) => {
  const found = lint(t, {
    'packages/a/src/port.ts': 'export interface Port {\n  save: () => Promise<void>\n}',
    'packages/a/src/state.ts': "export type State = { is: 'open' } | { is: 'closed' }",
    'packages/a/src/use.ts': [
      "import type { Port } from './port.ts'",
      "import type { State } from './state.ts'",
      'export function use(port: Port, state: State) {',
      '  port.save()',
      '  switch (state.is) {',
      "    case 'open':",
      '      return 1',
      '  }',
      '}',
    ].join('\n'),
  })
  assert.deepEqual(
    found.map(({ rule, line }) => `${rule} ${line}`),
    ['lint/nursery/noFloatingPromises 4', 'lint/nursery/useExhaustiveSwitchCases 5'],
  )
})

test('the habits of the house are errors', (t) => {
  const found = lint(t, {
    'packages/a/src/CamelCase.ts': "export * from './habits.ts'",
    'packages/a/src/habits.ts': [
      "import { Type } from './types.ts'",
      'export default (value: any): Type => value!',
      "export const home = process.env['HOME']",
      'export const four = (a: Type, b: Type, c: Type, d: Type) => console.log(a, b, c, d)',
      "export const other = import('./circle-a.ts')",
    ].join('\n'),
    'packages/a/src/types.ts': 'export type Type = string',
    'packages/a/src/circle-a.ts': "import { b } from './circle-b.ts'\nexport const a = () => b",
    'packages/a/src/circle-b.ts': "import { a } from './circle-a.ts'\nexport const b = () => a",
    'services/order/src/main.ts': "export const home = process.env['HOME']",
    'bench/src/checkout.ts': "console.log('result')",
  })
  const named = new Set(found.map(({ path, rule }) => `${path.replace(/^.*\//, '')} ${rule.replace(/^.*\//, '')}`))
  assert.deepEqual(
    [...named].sort(),
    [
      'CamelCase.ts noBarrelFile',
      'CamelCase.ts noReExportAll',
      'CamelCase.ts useFilenamingConvention',
      'circle-a.ts noImportCycles',
      'circle-b.ts noImportCycles',
      'habits.ts noConsole',
      'habits.ts noDefaultExport',
      'habits.ts noExplicitAny',
      'habits.ts noNonNullAssertion',
      'habits.ts noProcessEnv',
      'habits.ts useImportType',
      'habits.ts useMaxParams',
    ].sort(),
  )
})

function lint(t: TestContext, tree: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'micromart-lint-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const file of ['biome.json', 'scripts/pure-domain.grit']) cpSync(join(projectDir, file), join(root, file))
  for (const [path, text] of Object.entries(tree)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), `${text}\n`)
  }
  const biome = join(projectDir, 'node_modules/@biomejs/biome/bin/biome')
  const args = ['lint', '--reporter=json', '--max-diagnostics=none', ...Object.keys(tree)]
  const { stdout } = spawnSync(process.execPath, [biome, ...args], { cwd: root, encoding: 'utf8' })
  return read(stdout)
}

function read(report: string) {
  const { diagnostics } = JSON.parse(report) as Report
  return diagnostics
    .map(({ category, location }) => ({ rule: category, path: location.path, line: location.start.line }))
    .sort((a, b) => a.line - b.line)
}

interface Report {
  diagnostics: { category: string; location: { path: string; start: { line: number } } }[]
}
