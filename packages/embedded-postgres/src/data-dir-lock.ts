import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EmbeddedPostgresError, explainFileError } from './embedded-postgres-error.ts'

export type DataDirLock = { release(): void }

const SQLITE_BUSY = 5
const FILE_ERRORS: Partial<Record<number, string>> = { 8: 'EROFS', 13: 'ENOSPC', 14: 'EACCES' } // SQLITE_READONLY, _FULL, _CANTOPEN

/**
 * Makes this process the only live owner of the data directory, or throws `postgres.in-use`.
 *
 * The lock is a SQLite write lock: the kernel drops it with the process, however the process dies, so there is no
 * pid to misread after a `kill -9`, a reboot or in another container.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const ownerFile = join(dataDir, 'owner')
  const database = openLocked(dataDir, ownerFile)
  try {
    writeFileSync(ownerFile, `${process.pid}\n`)
  } catch (error) {
    database.close()
    throw explainFileError(error, dataDir)
  }
  return {
    release() {
      if (!database.isOpen) return
      rmSync(ownerFile, { force: true })
      database.close()
    },
  }
}

function openLocked(dataDir: string, ownerFile: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(dataDir, 'lock'))
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    throw explainLockError(error, { dataDir, ownerFile })
  }
}

function explainLockError(error: unknown, { dataDir, ownerFile }: { dataDir: string; ownerFile: string }): unknown {
  const sqliteCode = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  if (sqliteCode === SQLITE_BUSY) {
    return new EmbeddedPostgresError(
      'postgres.in-use',
      `Another MicroMart${namedOwner(ownerFile)} is running on ${dataDir}: stop it first, or choose another data directory.`,
      { cause: error },
    )
  }
  const code = FILE_ERRORS[sqliteCode]
  return code === undefined ? error : explainFileError(Object.assign(new Error(String(error)), { code }), dataDir)
}

function namedOwner(ownerFile: string): string {
  try {
    return ` (process ${readFileSync(ownerFile, 'utf8').trim()})`
  } catch {
    return '' // the owner has the lock but has not written its name yet
  }
}
