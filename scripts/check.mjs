// The one gate, here and in CI: a line for each step, and the output of the first that fails.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir } from './bootstrap/project.mjs'

const STEPS = [
  { name: 'format and lint', program: tool('@biomejs/biome', 'biome'), args: ['check', '--error-on-warnings'] },
  { name: 'types', program: tool('typescript', 'tsc'), args: ['--noEmit'] },
  { name: 'import rules', program: 'scripts/check-imports.mjs', args: [] },
  { name: 'dead code', program: tool('knip', 'knip'), args: ['--no-progress', '--no-config-hints'] },
  {
    name: 'tests',
    program: 'scripts/run-tests.mjs',
    args: [],
    tell: (output) => output.match(/^SKIPPED: .*$|^\d+ passed, \d+ failed$/gm),
  },
]

for (const step of STEPS) {
  process.stdout.write(`${step.name} ... `)
  const startedAt = performance.now()
  const { code, output } = await run(step)
  const complaint = code === 0 ? undefined : `${step.name} failed (exit code ${code})`
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`${complaint === undefined ? 'ok' : 'FAILED'} (${seconds} s)\n`)
  for (const line of step.tell?.(output) ?? []) if (complaint === undefined) process.stdout.write(`  ${line}\n`)
  if (complaint !== undefined) {
    process.stdout.write(`\n${output.trim()}\n\n${complaint}\n`)
    process.exit(1)
  }
}

function run({ program, args }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(projectDir, program), ...args], {
      cwd: projectDir,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}

// dependency-cruiser reports success when it could not read a single module.
function tool(packageName, command) {
  const home = join('node_modules', packageName)
  const { bin } = JSON.parse(readFileSync(join(projectDir, home, 'package.json'), 'utf8'))
  return join(home, typeof bin === 'string' ? bin : bin[command])
}
