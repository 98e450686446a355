// Runs every test that sits in the tree, or those whose path contains one of the arguments.
// What was skipped is said loudly; the last line is always "N passed, N failed".
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { projectDir } from './bootstrap/project.mjs'

const PLACES = ['packages', 'services', 'apps', 'proof', 'bench', 'scripts']
const AT_ONCE = Math.min(4, availableParallelism())
const LONGEST_MS = 600_000

const filters = process.argv.slice(2).map((filter) => filter.replace(/^\.\//, ''))
const files = globSync(`{${PLACES.join(',')}}/**/*.test.{ts,mjs}`, {
  cwd: projectDir,
  exclude: (path) => /(^|\/)node_modules$/.test(path),
})
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort()

if (files.length === 0) {
  process.stdout.write(`No test file matches ${filters.join(', ')}\n0 passed, 0 failed\n`)
  process.exit(1)
}

process.env.NODE_COMPILE_CACHE ??= join(projectDir, 'node_modules', '.cache', 'micromart', 'compiled')
const skipped = []
let counts = { passed: 0, failed: 1, cancelled: 0, skipped: 0, todo: 0 }

const events = run({ files, cwd: projectDir, concurrency: AT_ONCE, timeout: LONGEST_MS })
events.on('test:pass', ({ skip, name, file }) => {
  if (skip !== undefined && skip !== false)
    skipped.push({ name, file, reason: skip === true || skip === '' ? 'no reason given' : skip })
})
events.on('test:summary', (summary) => {
  if (summary.file === undefined) counts = summary.counts
})
const report = events.compose(spec)
report.pipe(process.stdout, { end: false })
report.on('end', () => {
  const failed = counts.failed + counts.cancelled
  for (const { name, file, reason } of skipped) {
    process.stdout.write(`SKIPPED: ${name} (${relative(projectDir, file ?? '')}): ${reason}\n`)
  }
  if (skipped.length > 0) process.stdout.write(`${skipped.length} skipped\n`)
  process.stdout.write(`${counts.passed} passed, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
})
