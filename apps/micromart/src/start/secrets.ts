import { createHmac, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every secret of an installation comes from one random seed, kept in a file that only its owner can read. */
export interface Secrets {
  /** The secret of one purpose: 43 characters of base64url. */
  of(purpose: string): string
}

export function openSecrets(dataDir: string): Secrets {
  mkdirSync(dataDir, { recursive: true })
  const seed = readOrCreate(join(dataDir, 'secret'))
  return { of: (purpose) => createHmac('sha256', seed).update(purpose).digest('base64url') }
}

function readOrCreate(path: string): string {
  try {
    writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(path, 'utf8')
}
