import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Fault } from '@micromart/cli/fault'
import { databaseUrls } from '@micromart/cli/start/databases'
import { openSecrets } from '@micromart/cli/start/secrets'
import { runningPostgresUrl } from '@micromart/embedded-postgres/running-postgres'
import { freePortRange } from '@micromart/testkit/free-ports'
import { createVirtualHost } from '@micromart/testkit/rabbitmq-vhost'
import { startProgram } from '../program.ts'
import { unlimited } from '../unlimited.ts'
import { type Books, openBooks } from '../verify/books.ts'
import { verify } from '../verify/verify.ts'
import type { OwnScene } from './scene.ts'

interface OwnShop {
  readonly url: string
  readonly own: OwnScene['own']
  /** Runs the checker on its books. @returns the violations, a sentence each */
  judge(): Promise<readonly string[]>
  close(): Promise<void>
}

const SETTLE_MS = 60_000

/** The `micromart` command as a program of its own, on data of its own that is deleted at the end. */
export async function openOwnShop(options: {
  readonly split: boolean
  readonly environment: Readonly<Record<string, string>>
}): Promise<OwnShop> {
  const host = options.split ? await virtualHost() : undefined
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-races-'))
  const port = await freePortRange()
  const args = ['start', '--port', String(port), '--data', dataDir, ...(host ? ['--split'] : [])]
  const environment = {
    LOG_LEVEL: 'warn',
    ...unlimited,
    ...options.environment,
    ...(host ? { AMQP_URL: host.url } : {}),
  }
  const start = async () => {
    const started = startProgram(args, environment)
    await started.says('MicroMart is ready')
    return { program: started, services: await servicesOf(started.pid) }
  }
  const secrets = openSecrets(dataDir)
  const withBooks = async <T>(work: (books: Books) => Promise<T>) => {
    const serverUrl = await runningPostgresUrl(join(dataDir, 'postgres'))
    if (!serverUrl) throw new Error('the database of the shop does not run')
    const books = openBooks(databaseUrls(serverUrl, secrets))
    return work(books).finally(() => books.close())
  }
  const cleanUp = async () => {
    await host?.drop()
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  }
  let running = start() // a promise, so that who ends it while it starts waits for it
  await running.catch(async (error: unknown) => {
    await cleanUp()
    throw error
  })
  return {
    url: `http://127.0.0.1:${port}`,
    own: {
      webhookSecret: secrets.of('sandbox webhook'),
      read: (book, sql, values) => withBooks((books) => books.read(book, sql, values)),
      kill: async () => {
        const { program, services } = await running
        const killed = program.kill('SIGKILL') // first, so that it cannot start its services again
        for (const pid of services) process.kill(pid, 'SIGKILL')
        await killed
      },
      restart: async () => {
        running = start()
        await running
      },
    },
    judge: () =>
      withBooks(async (books) =>
        (await verify(books, { settleMs: SETTLE_MS })).flatMap(({ invariant, violations }) =>
          violations.map((sentence) => `${invariant}: ${sentence}`),
        ),
      ),
    close: async () => {
      try {
        await (await running).program.kill('SIGTERM')
      } finally {
        await cleanUp()
      }
    },
  }
}

async function virtualHost() {
  const host = await createVirtualHost()
  if ('unavailable' in host) throw new Fault(`The split shape needs a RabbitMQ of this machine: ${host.unavailable}.`)
  return host
}

/** The services that a process has started as processes of their own: none in one process; its PostgreSQL is not one. */
async function servicesOf(supervisor: number): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args='])
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, program = ''] = /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? []
    return Number(parent) === supervisor && / serve [a-z]+$/.test(program) ? [Number(pid)] : []
  })
}
