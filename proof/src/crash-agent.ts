import { subscribe } from 'node:diagnostics_channel'
import { CRASH_POINT_CHANNEL, type PointReached } from '@micromart/telemetry/crash-points'
import { CRASH_DIR, type Fault, openArming } from './crash-matrix/arming.ts'

// Loaded into a service's process by `node --import` and by nothing else: notes the crash points it reaches, and strikes at the armed one.

// biome-ignore lint/style/noProcessEnv: it has no other way to hear of the matrix that started the process
const dir = process.env[CRASH_DIR]
const [, , command, service] = process.argv

if (dir !== undefined && command === 'serve' && service !== undefined) watch(dir, service)

function watch(folder: string, name: string) {
  const arming = openArming(folder)
  subscribe(CRASH_POINT_CHANNEL, (message) => {
    const reached = message as PointReached
    const { point, kinds } = reached
    if (arming.isRecording()) arming.noteReached({ service: name, point, kinds })
    const armed = arming.armed(name)
    if (armed?.point !== point || !kinds.includes(armed.kind)) return
    arming.disarm(name)
    arming.noteFired(armed.cell, { pid: process.pid, at: Date.now() })
    reached.outcome = strike(armed.fault, point)
  })
}

function strike(fault: Fault, point: PointReached['point']): Promise<void> {
  switch (fault) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL')
      return new Promise(() => {}) // the signal has no time to be late
    case 'error':
      return Promise.reject(failureAt(point))
    case 'hang':
      return new Promise(() => {})
  }
}

/** After the server has committed only the way back can fail. */
const failureAt = (point: PointReached['point']): Error =>
  point === 'commit.after'
    ? Object.assign(new Error('The connection was lost before the commit was answered'), { code: 'ECONNRESET' })
    : new Error(`A planted fault at ${point}`)
