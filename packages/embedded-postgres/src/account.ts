import { spawnSync } from 'node:child_process'
import { existsSync, lchownSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Binaries, copyBinaries } from './binaries.ts'
import { EmbeddedPostgresError, unusable } from './embedded-postgres-error.ts'

/**
 * Who PostgreSQL runs as. It refuses to be root, and initdb refuses a user id without an account.
 *
 * - `self`: this process's own user.
 * - `namespace`: the same user, called `nobody` inside a Linux user namespace; files keep their owner.
 * - `user`: another user, set by root.
 * - `capable-user`: another user that may pass closed directories (/root, a 0700 home), set by root.
 */
export type Account =
  | { kind: 'self' }
  | { kind: 'namespace' }
  | { kind: 'user' | 'capable-user'; uid: number; gid: number }

type Ids = { uid: number; gid: number }
type Place = { dataDir: string; clusterDir: string; binaries: Binaries }

/** The account's programs differ from the given ones when it had to get a copy that it can reach. */
type Seat = { account: Account; binaries: Binaries }

const ROOT: Ids = { uid: 0, gid: 0 }
const NOBODY = 65534

/** Finds the way to run PostgreSQL on this data directory that needs the least, or says why there is none. */
export function chooseAccount(place: Place): Seat {
  const { dataDir, clusterDir, binaries } = place
  const uid = process.getuid?.()
  if (uid === undefined) return { account: { kind: 'self' }, binaries }
  const clusterOwner = ownerOf(clusterDir)
  if (uid === 0) return chooseForRoot(place, clusterOwner)
  if (clusterOwner !== undefined && clusterOwner.uid !== uid) {
    throw unusable(
      `The data directory ${dataDir} belongs to another user (id ${clusterOwner.uid}): run as that user, or choose another data directory.`,
    )
  }
  if (hasAccount(uid)) return { account: { kind: 'self' }, binaries }
  if (namespaceWorks(binaries)) return { account: { kind: 'namespace' }, binaries }
  throw new EmbeddedPostgresError(
    'postgres.start-failed',
    `The user id ${uid} has no name on this machine, which PostgreSQL needs: add it to /etc/passwd, or run as another user.`,
  )
}

/** How to start a program as the account. */
export function runAs(account: Account, program: string, args: readonly string[]) {
  switch (account.kind) {
    case 'self':
      return { file: program, args: [...args], ids: {} }
    case 'namespace':
      return { file: 'unshare', args: [...namespaceFlags, '--', program, ...args], ids: {} }
    case 'user':
      return { file: program, args: [...args], ids: { uid: account.uid, gid: account.gid } }
    case 'capable-user':
      return { file: 'setpriv', args: [...capableFlags(account), '--', program, ...args], ids: {} }
  }
}

/** Gives a file or a whole directory to the account, where the account is somebody else. */
export function handOver(path: string, account: Account): void {
  if (!('uid' in account) || ownerOf(path)?.uid === account.uid) return
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
      lchownSync(join(path, name), account.uid, account.gid)
    }
  }
  lchownSync(path, account.uid, account.gid) // last: its owner is the sign that all of it was handed over
}

// Root stands in for the owner of the folder it works in, so that "sudo" once does not lock the owner out later.
function chooseForRoot({ dataDir, clusterDir, binaries }: Place, clusterOwner: Ids | undefined): Seat {
  const owner = clusterOwner ?? nameable(ownerOf(dataDir) ?? ROOT)
  const paths = [dataDir, binaries.postgres]
  if (owner.uid === 0 && paths.every((path) => canEnter(path, ROOT)) && namespaceWorks(binaries)) {
    return { account: { kind: 'namespace' }, binaries }
  }
  const ids = owner.uid === 0 ? databaseUser() : owner
  if (canEnter(dataDir, ids)) {
    const reachable = canEnter(binaries.postgres, ids) ? binaries : copyBinaries(binaries, dataDir)
    return { account: { kind: 'user', ...ids }, binaries: reachable }
  }
  const capable: Account = { kind: 'capable-user', ...ids }
  if (answers(capable, binaries)) return { account: capable, binaries }
  throw unusable(
    `PostgreSQL does not run as root, and no other user can enter ${dirname(clusterDir)}: ` +
      'run as an ordinary user, or choose a data directory that others can enter, such as /var/lib/micromart.',
  )
}

const namespaceFlags = ['--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`]

function capableFlags({ uid, gid }: Ids): string[] {
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  return [...ids, '--inh-caps=+dac_override', '--ambient-caps=+dac_override']
}

function namespaceWorks(binaries: Binaries): boolean {
  return process.platform === 'linux' && answers({ kind: 'namespace' }, binaries)
}

function answers(account: Account, { postgres }: Binaries): boolean {
  const { file, args, ids } = runAs(account, postgres, ['--version'])
  return spawnSync(file, args, { stdio: 'ignore', ...ids }).status === 0
}

function nameable(ids: Ids): Ids {
  return hasAccount(ids.uid) ? ids : ROOT
}

function hasAccount(uid: number): boolean {
  return spawnSync('id', ['-un', String(uid)], { stdio: 'ignore' }).status === 0
}

function databaseUser(): Ids {
  const ask = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)
  const uid = ask('-u')
  return uid > 0 ? { uid, gid: ask('-g') } : { uid: NOBODY, gid: NOBODY }
}

function ownerOf(path: string): Ids | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats && { uid: stats.uid, gid: stats.gid }
}

/** Whether the mode bits let these ids pass every directory on the way, and the last entry too. */
function canEnter(path: string, ids: Ids): boolean {
  if (!existsSync(path)) return false
  const { uid, gid, mode } = statSync(path)
  const bit = uid === ids.uid ? 0o100 : gid === ids.gid ? 0o010 : 0o001
  const parent = dirname(path)
  return (mode & bit) !== 0 && (parent === path || canEnter(parent, ids))
}
