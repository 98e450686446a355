import { Worker } from 'node:worker_threads'
import type { Fault, Hits, Salvo } from './fire.ts'
import type { ThreadData } from './worker.ts'

export interface RangeOptions {
  /** Address of a module that exports `targets`. */
  readonly module: string
  readonly seed: number
  /** So long one input may take, in ms; whatever takes longer hangs. */
  readonly hangMs: number
}

/** A thread that fires salvos, and a watch over it. */
export interface Range {
  fire(salvo: Salvo): Promise<Hits>
  close(): Promise<void>
}

const LOOK_MS = 100
/** Before the first input of a salvo: a target that is made ready may take its time. */
const OPENING = -1

/** A thread that hangs is ended, its input is the fault, and a new thread takes what is left of the salvo. */
export function openRange(options: RangeOptions): Range {
  let thread = startThread(options)
  const attempt = async (salvo: Salvo): Promise<Hits> => {
    await thread.ready
    const hits = await thread.fire(salvo)
    if (hits !== 'hangs') return hits
    const index = thread.at()
    await thread.end()
    thread = startThread(options)
    const fault: Fault = { target: salvo.target, index, input: '', error: `hangs for more than ${options.hangMs} ms` }
    // what came before it is counted again, as its tally went with the thread
    const before = await attempt({ ...salvo, to: index })
    const after = await attempt({ ...salvo, from: index + 1 })
    return {
      accepted: before.accepted + after.accepted,
      refused: before.refused + after.refused,
      faults: [...before.faults, fault, ...after.faults],
    }
  }
  return { fire: attempt, close: () => thread.end() }
}

function startThread({ module, seed, hangMs }: RangeOptions) {
  const progress = new SharedArrayBuffer(4)
  const index = new Int32Array(progress)
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { module, seed, progress } satisfies ThreadData,
  })
  const failed = new Promise<never>((_, reject) => worker.once('error', reject))
  failed.catch(() => {}) // told to whoever waits next
  const said = <T>() => Promise.race([new Promise<T>((resolve) => worker.once('message', resolve)), failed])
  const ready = said<'ready'>()
  return {
    ready,
    at: () => Atomics.load(index, 0),
    fire: async (salvo: Salvo): Promise<Hits | 'hangs'> => {
      Atomics.store(index, 0, OPENING)
      const watch = watchOver(() => Atomics.load(index, 0), hangMs)
      const hits = said<Hits>()
      worker.postMessage(salvo)
      return Promise.race([hits, watch.hangs]).finally(watch.stop)
    },
    end: async () => void (await worker.terminate()),
  }
}

/** Sees when nothing has moved for so long. */
function watchOver(at: () => number, hangMs: number) {
  let seen = at()
  let movedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  const hangs = new Promise<'hangs'>((resolve) => {
    timer = setInterval(() => {
      const now = at()
      if (now !== seen || now === OPENING) {
        seen = now
        movedAt = performance.now()
      } else if (performance.now() - movedAt > hangMs) resolve('hangs')
    }, LOOK_MS)
  })
  return { hangs, stop: () => clearInterval(timer) }
}
