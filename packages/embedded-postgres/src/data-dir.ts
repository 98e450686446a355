import { chownSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { explainFileError } from './embedded-postgres-error.ts'

/**
 * Makes the data directory where it is missing and returns its real path. What root makes inside somebody's folder
 * belongs to that somebody.
 */
export function prepareDataDir(dataDir: string): string {
  const wanted = resolve(dataDir)
  try {
    const firstMade = mkdirSync(wanted, { recursive: true })
    if (firstMade !== undefined && process.getuid?.() === 0) adopt(firstMade, wanted)
    return realpathSync(wanted)
  } catch (error) {
    throw explainFileError(error, wanted)
  }
}

/** Gives the files that root wrote into somebody's data directory to the owner of that directory. */
export function returnToOwner(dataDir: string, files: readonly string[]): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(dataDir)
  for (const file of files) {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats !== undefined && stats.uid !== uid) chownSync(file, uid, gid)
  }
}

function adopt(firstMade: string, dataDir: string): void {
  const { uid, gid } = statSync(dirname(firstMade))
  let path = dirname(firstMade)
  for (const name of relative(path, dataDir).split(sep)) {
    path = resolve(path, name)
    chownSync(path, uid, gid)
  }
}
