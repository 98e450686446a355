import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { Fault, faultFrom } from './fault.mjs'

const NEWS_EVERY_MS = 5_000

/** Nothing that we depend on needs an install script, so none runs, telemetry neither. */
const QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']

/** Runs npm quietly in `dir`; its own output is shown only when it fails. `step` names the work in a sentence. */
export async function runNpm(args, { dir, step }) {
  const startedAt = Date.now()
  const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(0)} s`
  const news = setInterval(() => say(`  still at it (${seconds()})`), NEWS_EVERY_MS)
  try {
    const { code, output } = await collect([...args, '--prefix', dir, ...QUIET], dir)
    if (code !== 0) throw faultFrom(step, output)
  } finally {
    clearInterval(news)
  }
  return seconds()
}

/** Progress is for people: it stays out of stdout, where a program's result may be read by another program. */
export function say(line) {
  process.stderr.write(`${line}\n`)
}

function collect(args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [npmScript(), ...args], {
      cwd,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (code, signal) =>
      signal === null ? resolve({ code, output }) : reject(new Fault('Interrupted.')),
    )
  })
}

/** What an outer `npm start` tells its script must not steer this npm; registry, cache and proxy settings may. */
function environment() {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^npm_(package|lifecycle|command|config_(local_prefix|prefix|global|workspaces?|omit|include|dry_run))/i.test(
        name,
      ),
  )
  return Object.fromEntries(inherited.filter(([name]) => name !== 'NODE_ENV' && name !== 'NODE_OPTIONS'))
}

// The JavaScript file, not the "npm" command: it then runs on the Node that runs us, on Windows too.
function npmScript() {
  const bin = dirname(process.execPath)
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((dir) => {
    const command = join(dir, 'npm')
    return existsSync(command) ? [realpathSync(command), join(dir, 'node_modules', 'npm', 'bin', 'npm-cli.js')] : []
  })
  const candidates = [
    process.env.npm_execpath ?? '',
    join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(bin, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ...onPath,
  ]
  const found = candidates.find((path) => basename(path) === 'npm-cli.js' && existsSync(path))
  if (found === undefined) throw new Fault('npm was not found: install it (it comes with Node) and start again.')
  return found
}
