import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from './until.ts'

const PROGRAMS = '/usr/lib/rabbitmq/bin'
const PROGRAM = `${PROGRAMS}/rabbitmq-server`
const run = promisify(execFile)

/** A RabbitMQ server that belongs to one test, so that it can be killed. */
export interface RabbitMqNode {
  readonly url: string
  /** Of the process group that the server is. */
  pid(): number | undefined
  /** `kill -9`. */
  kill(): Promise<void>
  /** Starts it on what is left on its disk; resolves when it takes connections. */
  start(): Promise<void>
  /** `kill -9`, and a start on what is left on its disk. */
  killAndRestart(): Promise<void>
  /** `rabbitmqctl` with these words, on this server. */
  control(...words: readonly string[]): Promise<void>
  /** Ends it and deletes its files, unless they are in a directory that was given. */
  close(): Promise<void>
}

/** Starts a server of its own on `port` (and `port + 1`), in a directory that is given or made; the reason when none is installed. */
export async function startRabbitMqNode(
  port: number,
  options: { readonly dir?: string } = {},
): Promise<RabbitMqNode | { readonly unavailable: string }> {
  if (!existsSync(PROGRAM)) return { unavailable: `RabbitMQ is not installed: there is no ${PROGRAM}` }
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'micromart-rabbitmq-')))
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'rabbitmq.conf'), `listeners.tcp.default = 127.0.0.1:${port}\n`)
  await writeFile(join(dir, 'plugins'), '[].')
  const environment = {
    PATH: process.env['PATH'],
    HOME: dir,
    RABBITMQ_NODENAME: `micromart-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(port + 1),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
  }
  let server: ChildProcess | undefined
  const start = async () => {
    // a process group of its own, because the script that starts the server is not the server
    server = spawn(PROGRAM, [], { env: environment, stdio: 'ignore', detached: true })
    await until(async () => answers(port), { withinMs: 60_000, what: `RabbitMQ on port ${port}` })
  }
  const kill = async () => {
    if (server?.pid === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    process.kill(-server.pid, 'SIGKILL')
    await ended
    // the script is gone before the server is: who started at once would take the old one for the new one
    await until(async () => !(await answers(port)), { withinMs: 30_000, what: `port ${port} is closed` })
  }
  const removeOwn = () => (options.dir ? undefined : rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  await start()
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    pid: () => server?.pid,
    kill,
    start,
    killAndRestart: () => kill().then(start),
    control: async (...words) => {
      await run(join(PROGRAMS, 'rabbitmqctl'), ['--quiet', ...words], { env: environment, timeout: 60_000 })
    },
    close: () => kill().then(removeOwn),
  }
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    }).once('error', () => resolve(false))
  })
