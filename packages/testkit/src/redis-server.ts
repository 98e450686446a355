import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { freePorts } from './free-ports.ts'
import { until } from './until.ts'

/** A Redis of its own, so that it can be frozen and killed. It keeps nothing on disk. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  pid(): number | undefined
  /** SIGSTOP freezes it, SIGCONT lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): boolean
  kill(): Promise<void>
  /** After a kill: the same address, empty. */
  start(): Promise<void>
  flushAll(): Promise<void>
}

/** On a free port unless one is given. @returns the reason when Redis is not installed */
export async function startRedisServer(given?: number): Promise<RedisServer | { readonly unavailable: string }> {
  const port = given ?? (await freePorts(1))[0] ?? 0
  let server: ChildProcess | undefined
  const start = async () => {
    if (server) return
    const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const child = spawn('redis-server', words, { stdio: 'ignore' })
    server = child
    const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error))
    child.once('exit', () => {
      if (server === child) server = undefined
    })
    await Promise.race([until(() => say(port, 'PING'), { what: `Redis on port ${port}` }), failed])
  }
  const handle: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: (name) => server?.kill(name) ?? false,
    pid: () => server?.pid,
    start,
    kill: async () => {
      const child = server
      if (!child) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
    flushAll: async () => {
      if (!(await say(port, 'FLUSHALL'))) throw new Error('Redis did not flush')
    },
  }
  try {
    await start()
    return handle
  } catch (error) {
    return { unavailable: `redis-server cannot be started: ${String(error).split('\n')[0]}` }
  }
}

const PATIENCE_MS = 2_000

/** Says one word in Redis's inline protocol; true when it is answered with a simple string. */
const say = (port: number, word: string) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${word}\r\n`))
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(PATIENCE_MS, () => finish(false))
    socket.once('data', (chunk) => finish(String(chunk).startsWith('+'))).once('error', () => finish(false))
  })
