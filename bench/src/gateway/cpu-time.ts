import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** CPU time that a process and its direct children have used so far, in µs, to 10 ms; undefined where there is no /proc. */
export function cpuTimeUs(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    return [pid, ...children].reduce((sum, each) => sum + ticksOf(each), 0) * (1_000_000 / TICKS_PER_SECOND)
  } catch {
    return undefined
  }
}

/** User and system time: fields 14 and 15 of proc(5); the name before them may hold anything. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return Number(fields[11]) + Number(fields[12])
}
