import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Servers outside our process group, which a killed campaign leaves running: their ids are written down, so that the next run can end them. */
interface Leftover {
  readonly pid: number
  /** What must still be found in the process's command line or environment; process ids are used again. */
  readonly mark: string
}

const fileOf = (dir: string) => join(dir, 'servers.json')

export const noteServers = (dir: string, servers: readonly Leftover[]): void =>
  writeFileSync(fileOf(dir), JSON.stringify(servers))

export const forgetServers = (dir: string): void => rmSync(fileOf(dir), { force: true })

/** Ends what an earlier run on this directory has left behind. */
export function endLeftovers(dir: string): void {
  for (const { pid, mark } of read(dir)) {
    if (!isStill(pid, mark)) continue
    for (const target of [-pid, pid])
      try {
        process.kill(target, 'SIGKILL')
      } catch {
        // it is no group, or it is gone
      }
  }
  forgetServers(dir)
}

function read(dir: string): readonly Leftover[] {
  try {
    return JSON.parse(readFileSync(fileOf(dir), 'utf8')) as readonly Leftover[]
  } catch {
    return [] // nothing was left
  }
}

function isStill(pid: number, mark: string): boolean {
  try {
    return ['cmdline', 'environ'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(mark))
  } catch {
    return false
  }
}
