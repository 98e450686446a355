import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `postmaster.pid`, which a running server keeps in its cluster: line 1 is its pid, line 8 its state. */
export type PostmasterFile = { path: string; pid: number; ready: boolean }

export function readPostmasterFile(clusterDir: string): PostmasterFile | undefined {
  const path = join(clusterDir, 'postmaster.pid')
  let lines: string[]
  try {
    lines = readFileSync(path, 'utf8').split('\n')
  } catch {
    return undefined // no server, or it is just going
  }
  const pid = Number(lines[0])
  return Number.isSafeInteger(pid) && pid > 0 ? { path, pid, ready: lines[7]?.trim() === 'ready' } : undefined
}
