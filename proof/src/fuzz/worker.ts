import { parentPort, workerData } from 'node:worker_threads'
import { fire, named, type Salvo } from './fire.ts'
import type { FuzzTarget, OpenTarget } from './target.ts'

/** What a thread is told; `module` exports `targets`. */
export interface ThreadData {
  readonly module: string
  readonly seed: number
  /** The index of the input under way. */
  readonly progress: SharedArrayBuffer
}

const { module, seed, progress } = workerData as ThreadData
const { targets } = (await import(module)) as { targets: readonly FuzzTarget[] }
const index = new Int32Array(progress)
const opened = new Map<string, OpenTarget>()

parentPort?.on('message', async (salvo: Salvo) => {
  const open = opened.get(salvo.target) ?? (await named(targets, salvo.target).open())
  opened.set(salvo.target, open)
  const hits = await fire(open, { salvo, seed, progress: (at) => Atomics.store(index, 0, at) })
  parentPort?.postMessage(hits)
})
parentPort?.postMessage('ready')
