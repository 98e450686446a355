import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectDir } from './project.mjs'

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP']
const PARENT_CHECK_MS = 250

/** Runs the program in this process: no second Node in memory. */
export async function runHere(file, args) {
  endWithParent()
  module.enableCompileCache(join(projectDir, 'node_modules', '.cache', 'micromart', 'compiled'))
  const path = join(projectDir, file)
  process.argv = [process.execPath, path, ...args]
  await import(pathToFileURL(path).href)
}

/** Runs a script on another Node, which also comes first on the PATH, and ends as it ends. */
export async function runOn(node, args) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` }
  const child = spawn(node, args, { stdio: 'inherit', env })
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal))
  endWithParent()
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (...end) => resolve(end))
  })
  process.exit(code ?? 128 + constants.signals[signal])
}

/**
 * A SIGTERM for npm reaches only the shell that it starts us with, which dies without telling us, and a SIGKILL not
 * even that: who stops "npm start" would leave the program running. So we notice that the process above us, or the one
 * above the shell, is no longer the same, and stop as if asked to.
 */
function endWithParent() {
  if (process.env.npm_lifecycle_event === undefined) return
  const started = ancestors()
  const check = setInterval(() => {
    if (ancestors() === started) return
    clearInterval(check)
    process.kill(process.pid, 'SIGTERM')
  }, PARENT_CHECK_MS)
  check.unref()
}

function ancestors() {
  const parent = process.ppid
  try {
    const [, grandparent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${parent}/stat`, 'utf8')) ?? []
    return `${parent} ${grandparent}`
  } catch {
    return `${parent}` // not Linux
  }
}
