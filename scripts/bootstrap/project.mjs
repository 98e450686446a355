import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the project, wherever it was started from. */
export const projectDir = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Whether programs made for the usual Linux C library run here; other systems have no such question. */
export function hasGlibc() {
  if (process.platform !== 'linux') return true
  return existsSync('/lib64/ld-linux-x86-64.so.2') || existsSync('/lib/ld-linux-aarch64.so.1')
}
