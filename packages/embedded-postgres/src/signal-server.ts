import { spawnSync } from 'node:child_process'
import type { Binaries } from './binaries.ts'
import { systemCode } from './embedded-postgres-error.ts'

/** `SIGINT` is PostgreSQL's fast shutdown, `SIGQUIT` its immediate one (the next start recovers from the log). */
export type ShutdownSignal = 'SIGINT' | 'SIGQUIT' | 'SIGKILL'

/** Signals a server; one that is gone already is no error. */
export function signalServer(pid: number, signal: ShutdownSignal, { pgCtl }: Binaries): void {
  if (process.platform === 'win32' && signal !== 'SIGKILL') {
    spawnSync(pgCtl, ['kill', signal.slice('SIG'.length), String(pid)], { stdio: 'ignore', windowsHide: true })
    return
  }
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error
  }
}
