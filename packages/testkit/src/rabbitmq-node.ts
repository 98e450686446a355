import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './until.ts'

const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server'

/** A RabbitMQ server that belongs to one test, so that it can be killed. */
export interface RabbitMqNode {
  readonly url: string
  /** `kill -9`, and a start on what is left on its disk. */
  killAndRestart(): Promise<void>
  /** Ends it and deletes its files. */
  close(): Promise<void>
}

/** Starts a server of its own on `port` (and `port + 1`); the reason when none is installed. */
export async function startRabbitMqNode(port: number): Promise<RabbitMqNode | { readonly unavailable: string }> {
  if (!existsSync(PROGRAM)) return { unavailable: `RabbitMQ is not installed: there is no ${PROGRAM}` }
  const dir = await mkdtemp(join(tmpdir(), 'micromart-rabbitmq-'))
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
  let server: ChildProcess
  const start = async () => {
    // a process group of its own, because the script that starts the server is not the server
    server = spawn(PROGRAM, [], { env: environment, stdio: 'ignore', detached: true })
    await until(async () => answers(port), { withinMs: 60_000, what: `RabbitMQ on port ${port}` })
  }
  const kill = async () => {
    const ended = once(server, 'exit')
    if (server.pid !== undefined) process.kill(-server.pid, 'SIGKILL')
    await ended
  }
  await start()
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    killAndRestart: () => kill().then(start),
    close: () => kill().then(() => rm(dir, { recursive: true, force: true, maxRetries: 5 })),
  }
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    }).once('error', () => resolve(false))
  })
