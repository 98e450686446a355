import { spawn } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type Account, runAs } from './account.ts'
import type { Binaries } from './binaries.ts'
import type { ClusterPaths } from './cluster.ts'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'
import { explainOutput } from './explain-output.ts'
import { readPostmasterFile } from './postmaster-file.ts'
import { programEnvironment } from './program-environment.ts'
import { signalServer } from './signal-server.ts'

export type ServerOptions = {
  paths: ClusterPaths
  binaries: Binaries
  account: Account
  port: number
  settings: Readonly<Record<string, string>>
  onProgress: (line: string) => void
}

/** `code` is null when a signal ended the server. */
export type Exit = { code: number | null }
export type Server = { pid: number; stop(): Promise<void>; exited: Promise<Exit> }

const POLL_MS = 10
const SLOW_START_MS = 1_000
const START_DEADLINE_MS = 120_000
const FAST_SHUTDOWN_MS = 10_000
const IMMEDIATE_SHUTDOWN_MS = 5_000
const LOG_LIMIT_BYTES = 1_000_000

/** Starts the server and waits until it takes connections. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const log = openLog(options.paths)
  const server = spawnServer(options, log.handle)
  closeSync(log.handle)
  try {
    await waitUntilReady(server, options)
    return server
  } catch (error) {
    await server.stop()
    if (error !== EXITED) throw error
    const output = server.spawnError ?? readFileSync(options.paths.logFile).subarray(log.offset).toString('utf8')
    throw explainStart(output, options)
  }
}

const EXITED = new Error('the server ended before it was ready')

type SpawnedServer = Server & { readonly spawnError: string | undefined }

function spawnServer({ paths, binaries, account, port, settings }: ServerOptions, log: number): SpawnedServer {
  const flags = Object.entries({ ...settings, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ])
  const { file, args, ids } = runAs(account, binaries.postgres, ['-D', paths.clusterDir, ...flags])
  const child = spawn(file, args, {
    cwd: paths.dataDir,
    env: programEnvironment(),
    stdio: ['ignore', log, log],
    detached: true, // out of the terminal's process group: Ctrl-C is for us, and the database goes last
    windowsHide: true,
    ...ids,
  })
  let spawnError: string | undefined
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code) => resolve({ code }))
    child.once('error', (error) => {
      spawnError = error.message
      resolve({ code: null })
    })
  })
  const pid = child.pid ?? 0
  const signal = (name: 'SIGINT' | 'SIGQUIT' | 'SIGKILL') => signalServer(pid, name, binaries)
  const lastWill = () => signal('SIGINT') // process.exit() somewhere: the server still shuts down cleanly
  if (pid > 0) process.once('exit', lastWill)
  void exited.then(() => process.removeListener('exit', lastWill))

  let stopping: Promise<void> | undefined
  const stop = async () => {
    if (pid === 0 || child.exitCode !== null || child.signalCode !== null) return
    signal('SIGINT')
    if (await settlesWithin(exited, FAST_SHUTDOWN_MS)) return
    signal('SIGQUIT')
    if (await settlesWithin(exited, IMMEDIATE_SHUTDOWN_MS)) return
    signal('SIGKILL')
    await exited
  }
  return {
    pid,
    exited,
    stop() {
      stopping ??= stop()
      return stopping
    },
    get spawnError() {
      return spawnError
    },
  }
}

async function waitUntilReady({ pid, exited }: Server, { paths, onProgress }: ServerOptions): Promise<void> {
  const startedAt = performance.now()
  let ended = false
  void exited.then(() => {
    ended = true
  })
  let told = false
  for (;;) {
    await delay(POLL_MS)
    if (ended) throw EXITED
    const state = readPostmasterFile(paths.clusterDir)
    if (state?.ready === true && state.pid === pid) return
    const waitedMs = performance.now() - startedAt
    if (waitedMs > START_DEADLINE_MS) throw tooSlow(paths)
    if (waitedMs > SLOW_START_MS && !told) {
      told = true
      onProgress('Waiting for the database: it is recovering what the last run had not written back')
    }
  }
}

function tooSlow({ logFile }: ClusterPaths): EmbeddedPostgresError {
  const message = `The database was not ready after ${START_DEADLINE_MS / 1000} s: see ${logFile}, and start again.`
  return new EmbeddedPostgresError('postgres.start-failed', message)
}

function explainStart(output: string, { paths, port }: ServerOptions): EmbeddedPostgresError {
  if (/could not bind|could not create any TCP\/IP sockets/.test(output)) {
    const message = `Port ${port} is taken by another program: stop that program, or choose another port for the database.`
    return new EmbeddedPostgresError('postgres.port-in-use', message, { cause: new Error(output.trim()) })
  }
  return explainOutput(output, {
    dataDir: paths.dataDir,
    failure: `The database did not start (see ${paths.logFile})`,
  })
}

function openLog({ logFile }: ClusterPaths): { handle: number; offset: number } {
  const handle = openSync(logFile, 'a', 0o600)
  if (fstatSync(handle).size > LOG_LIMIT_BYTES) ftruncateSync(handle)
  return { handle, offset: fstatSync(handle).size }
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const patience = new AbortController()
  const expired = delay(ms, false, { signal: patience.signal }).catch(() => false)
  const settled = await Promise.race([promise.then(() => true), expired])
  patience.abort()
  return settled
}
