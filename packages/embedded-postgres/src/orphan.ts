import { spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Binaries } from './binaries.ts'
import { EmbeddedPostgresError, systemCode } from './embedded-postgres-error.ts'
import { type PostmasterFile, readPostmasterFile } from './postmaster-file.ts'
import { type ShutdownSignal, signalServer } from './signal-server.ts'

type Cluster = { clusterDir: string; binaries: Binaries; onProgress: (line: string) => void }

const ESCALATION: readonly { signal: ShutdownSignal; patienceMs: number }[] = [
  { signal: 'SIGINT', patienceMs: 5_000 },
  { signal: 'SIGQUIT', patienceMs: 3_000 },
  { signal: 'SIGKILL', patienceMs: 3_000 },
]
const POLL_MS = 10

/**
 * Stops the server that a killed process left running on the cluster. The caller holds the lock of the data directory,
 * so a server that still runs there has no owner.
 */
export async function stopOrphan({ clusterDir, binaries, onProgress }: Cluster): Promise<void> {
  const found = readPostmasterFile(clusterDir)
  if (found === undefined) return
  if (!isServerOf(found.pid, clusterDir)) return correctStaleFile(found)
  onProgress('Stopping the database that a killed run left behind')
  for (const { signal, patienceMs } of ESCALATION) {
    signalServer(found.pid, signal, binaries)
    if (await isGone(found.pid, { clusterDir, patienceMs })) return correctStaleFile(readPostmasterFile(clusterDir))
  }
  throw new EmbeddedPostgresError(
    'postgres.start-failed',
    `The database of a killed run (process ${found.pid}) does not stop: end that process, or restart the machine.`,
  )
}

/**
 * PostgreSQL ignores a stale file unless its pid is in use, by a zombie or by another program that got the number.
 * Such a pid is replaced by ours, which it takes for its parent's and ignores. The file stays, because it also names
 * the shared memory by which a new server notices children of the old one that are still writing.
 */
function correctStaleFile(file: PostmasterFile | undefined): void {
  if (file === undefined || !isAlive(file.pid)) return
  const [, ...rest] = readFileSync(file.path, 'utf8').split('\n')
  writeFileSync(file.path, [process.pid, ...rest].join('\n'))
}

async function isGone(
  pid: number,
  { clusterDir, patienceMs }: { clusterDir: string; patienceMs: number },
): Promise<boolean> {
  const deadline = performance.now() + patienceMs
  while (isServerOf(pid, clusterDir)) {
    if (performance.now() > deadline) return false
    await delay(POLL_MS)
  }
  return true
}

/** Whether the process is PostgreSQL and works in this cluster: the pid in a stale file may be anybody's by now. */
function isServerOf(pid: number, clusterDir: string): boolean {
  switch (process.platform) {
    case 'linux':
      return linuxServerDir(pid) === clusterDir
    case 'win32':
      return ask('tasklist', ['/FI', `PID eq ${pid}`, '/NH']).includes('postgres.exe')
    default: {
      const command = ask('ps', ['-o', 'command=', '-p', String(pid)])
      return command.includes('postgres') && command.includes(clusterDir)
    }
  }
}

function linuxServerDir(pid: number): string | undefined {
  try {
    const program = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? ''
    return basename(program) === 'postgres' ? readlinkSync(`/proc/${pid}/cwd`) : undefined
  } catch {
    return undefined // gone, or another user's
  }
}

function ask(program: string, args: string[]): string {
  return spawnSync(program, args, { encoding: 'utf8', windowsHide: true }).stdout ?? ''
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
