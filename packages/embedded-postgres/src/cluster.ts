import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Account, handOver, runAs } from './account.ts'
import type { Binaries } from './binaries.ts'
import { diskFull, EmbeddedPostgresError, unusable } from './embedded-postgres-error.ts'
import { explainOutput } from './explain-output.ts'
import { programEnvironment } from './program-environment.ts'

/** What a cluster lives in: the cluster itself, the superuser's password (0600, ours alone) and the server's log. */
export type ClusterPaths = { dataDir: string; clusterDir: string; passwordFile: string; logFile: string }

type ClusterRecipe = { paths: ClusterPaths; binaries: Binaries; account: Account }

const UNFINISHED = 'cluster.new-'
const SPACE_FOR_A_CLUSTER_BYTES = 100_000_000

export function clusterPaths(dataDir: string): ClusterPaths {
  return {
    dataDir,
    clusterDir: join(dataDir, 'cluster'),
    passwordFile: join(dataDir, 'password'),
    logFile: join(dataDir, 'postgres.log'),
  }
}

/** Throws `postgres.incompatible-data` when another major version of PostgreSQL wrote the cluster. */
export function checkVersion({ clusterDir, dataDir }: ClusterPaths, { major }: Binaries): void {
  const versionFile = join(clusterDir, 'PG_VERSION')
  if (!existsSync(versionFile)) {
    throw unusable(`${clusterDir} is not a PostgreSQL cluster: move it away, or choose another data directory.`)
  }
  const found = readFileSync(versionFile, 'utf8').trim()
  if (found === major) return
  throw new EmbeddedPostgresError(
    'postgres.incompatible-data',
    `The data in ${dataDir} was written by PostgreSQL ${found} and this is PostgreSQL ${major}: ` +
      'use the MicroMart version that wrote it, or start anew in another data directory.',
  )
}

/** The superuser's password, made once. It exists before the cluster does, so no cluster is ever without one. */
export function superuserPassword({ passwordFile, clusterDir, dataDir }: ClusterPaths): string {
  if (existsSync(passwordFile)) return readFileSync(passwordFile, 'utf8').trim()
  if (existsSync(clusterDir)) {
    throw unusable(
      `The password of the database is missing (${passwordFile}): put it back, or start anew in another place than ${dataDir}.`,
    )
  }
  const password = randomBytes(24).toString('base64url')
  const partial = `${passwordFile}.new`
  rmSync(partial, { force: true })
  writeFileSync(partial, `${password}\n`, { mode: 0o600, flush: true })
  renameSync(partial, passwordFile)
  return password
}

/** Makes the cluster beside its final place and moves it there when it is complete: a half-made one is never seen. */
export async function createCluster(recipe: ClusterRecipe, password: string): Promise<void> {
  const { dataDir, clusterDir } = recipe.paths
  const { bavail, bsize } = statfsSync(dataDir)
  if (bavail * bsize < SPACE_FOR_A_CLUSTER_BYTES) throw diskFull(dataDir)
  const unfinished = join(dataDir, `${UNFINISHED}${randomBytes(4).toString('hex')}`)
  try {
    mkdirSync(unfinished, { mode: 0o700 })
    handOver(unfinished, recipe.account)
    await runInitdb(recipe, { target: unfinished, password })
    renameSync(unfinished, clusterDir)
    syncDirectory(dataDir)
  } finally {
    removeUnfinishedClusters(recipe.paths)
  }
}

/** Removes what a killed first start left behind. */
export function removeUnfinishedClusters({ dataDir }: ClusterPaths): void {
  for (const name of readdirSync(dataDir)) {
    if (!name.startsWith(UNFINISHED)) continue
    try {
      rmSync(join(dataDir, name), { recursive: true, force: true })
    } catch {
      // An initdb whose parent was killed may still be writing in there: the next start removes it.
    }
  }
}

async function runInitdb(
  { paths, binaries, account }: ClusterRecipe,
  { target, password }: { target: string; password: string },
) {
  const passwordFile = `${target}.password`
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  handOver(passwordFile, account)
  // The builtin provider sorts and folds C.UTF-8 the same way on every system, with or without such a locale installed.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const { file, args, ids } = runAs(account, binaries.initdb, ['-D', target, '--no-instructions', ...locale, ...access])
  try {
    const { code, output } = await run(file, args, { env: programEnvironment(), ...ids, windowsHide: true })
    if (code !== 0) {
      const { dataDir } = paths
      throw explainOutput(output, { dataDir, failure: `The database could not be created in ${dataDir}` })
    }
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

function run(
  file: string,
  args: string[],
  options: Parameters<typeof spawn>[2],
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: string) => {
      output += chunk
    }
    child.stdout?.setEncoding('utf8').on('data', collect)
    child.stderr?.setEncoding('utf8').on('data', collect)
    child.on('error', (error) => resolve({ code: null, output: error.message }))
    child.on('close', (code) => resolve({ code, output }))
  })
}

function syncDirectory(dir: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(dir, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
