import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { freePortRange } from './free-ports.ts'
import { until } from './until.ts'

const PROGRAM = 'redis-server'

/** A Redis server that belongs to one test, so that it can be frozen and killed. It keeps nothing on disk. */
export interface RedisServer {
  readonly url: string
  /** SIGSTOP freezes it, SIGCONT lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): boolean
  kill(): Promise<void>
  /** After a kill: the same address, empty. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Starts a server of its own; the reason when none is installed. */
export async function startRedisServer(): Promise<RedisServer | { readonly unavailable: string }> {
  const port = (await freePortRange()) + 9
  let server: ChildProcess | undefined
  const start = async () => {
    const started = spawn(PROGRAM, ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
      stdio: 'ignore',
    })
    await once(started, 'spawn')
    server = started
    await until(() => answers(port), { what: `Redis on port ${port}` })
  }
  const kill = async () => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }
  try {
    await start()
  } catch (error) {
    await kill()
    return { unavailable: `redis-server cannot be started: ${String(error)}` }
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    signal: (name) => server?.kill(name) ?? false,
    kill,
    start,
    close: kill,
  }
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    }).once('error', () => resolve(false))
  })
