import { existsSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { chooseAccount, handOver } from './account.ts'
import { type Binaries, completeSymlinks, copyBinaries, findBinaries } from './binaries.ts'
import {
  type ClusterPaths,
  checkVersion,
  clusterPaths,
  createCluster,
  removeUnfinishedClusters,
  superuserPassword,
} from './cluster.ts'
import { prepareDataDir, returnToOwner } from './data-dir.ts'
import { lockDataDir } from './data-dir-lock.ts'
import { EmbeddedPostgresError, explainFileError, systemCode } from './embedded-postgres-error.ts'
import { stopOrphan } from './orphan.ts'
import { type Exit, type Server, type ServerOptions, startServer } from './server.ts'
import { serverSettings } from './settings.ts'

export type EmbeddedPostgresOptions = {
  /** A directory of its own for cluster, password and log; made when missing. */
  dataDir: string
  /** A TCP port on 127.0.0.1; by default a free one. */
  port?: number
  /** Server settings by name, as in postgresql.conf; they win over the defaults. */
  settings?: Readonly<Record<string, string>>
  /** Throws the data away first, once nobody else uses it. */
  fresh?: boolean
  /** Hears a plain sentence when something takes longer than a moment. */
  onProgress?: (line: string) => void
}

export type EmbeddedPostgres = {
  /** postgres://postgres:password@127.0.0.1:port/postgres, the superuser. */
  url: string
  port: number
  pid: number
  /** Fast shutdown; immediate after 10 s. May be called again. */
  stop(): Promise<void>
  /** Resolves when the server ends, asked to or not. */
  exited: Promise<Exit>
}

/** Starts PostgreSQL on the data directory, making the cluster the first time. Throws `EmbeddedPostgresError`. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const installed = findBinaries()
  const paths = clusterPaths(prepareDataDir(options.dataDir))
  const lock = lockDataDir(paths.dataDir)
  try {
    const { server, port, password } = await openCluster(options, { paths, installed })
    const exited = server.exited.finally(() => lock.release())
    const stop = async () => {
      await server.stop()
      await exited
    }
    return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, port, pid: server.pid, stop, exited }
  } catch (error) {
    lock.release()
    throw explainFileError(error, paths.dataDir)
  }
}

type Ground = { paths: ClusterPaths; installed: Binaries }

async function openCluster(options: EmbeddedPostgresOptions, { paths, installed }: Ground) {
  const { fresh = false, settings, onProgress = () => {} } = options
  const { dataDir, clusterDir, logFile, passwordFile } = paths
  const complete = withSymlinks(installed, dataDir)
  await stopOrphan({ clusterDir, binaries: complete, onProgress })
  if (fresh) rmSync(clusterDir, { recursive: true, force: true })
  removeUnfinishedClusters(paths)

  const { account, binaries } = chooseAccount({ dataDir, clusterDir, binaries: complete })
  if (existsSync(clusterDir)) checkVersion(paths, binaries)
  const password = superuserPassword(paths)
  if (!existsSync(clusterDir)) {
    onProgress('Creating the database')
    await createCluster({ paths, binaries, account }, password)
  }
  handOver(clusterDir, account)
  const started = await startOnFreePort(options.port, {
    paths,
    binaries,
    account,
    settings: serverSettings(settings),
    onProgress,
  })
  returnToOwner(dataDir, [logFile, passwordFile, join(dataDir, 'lock'), join(dataDir, 'owner')])
  return { ...started, password }
}

function withSymlinks(binaries: Binaries, dataDir: string): Binaries {
  try {
    completeSymlinks(binaries)
    return binaries
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(systemCode(error))) throw error
    return copyBinaries(binaries, dataDir) // installed by another user, or read-only
  }
}

const SECOND_TRIES_MS = 5_000
const BETWEEN_TRIES_MS = 50

async function startOnFreePort(
  wanted: number | undefined,
  options: Omit<ServerOptions, 'port'>,
): Promise<{ server: Server; port: number }> {
  const deadline = performance.now() + SECOND_TRIES_MS
  for (;;) {
    const port = wanted ?? (await freePort())
    try {
      return { server: await startServer({ ...options, port }), port }
    } catch (error) {
      if (!isWorthASecondTry(error, wanted) || performance.now() > deadline) throw error
      await delay(BETWEEN_TRIES_MS)
    }
  }
}

function isWorthASecondTry(error: unknown, wanted: number | undefined): boolean {
  if (!(error instanceof EmbeddedPostgresError)) return false
  if (error.code === 'postgres.port-in-use') return wanted === undefined // taken since we asked for a free one
  const output = error.cause instanceof Error ? error.cause.message : ''
  return output.includes('pre-existing shared memory block') // children of a killed server are still going
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = address !== null && typeof address === 'object' ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}
