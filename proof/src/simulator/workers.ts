import { Worker } from 'node:worker_threads'
import type { Plan } from './plan.ts'
import type { SeedResult } from './run-seed.ts'
import type { Task } from './worker.ts'
import type { TraceEntry } from './world/trace.ts'

/** Threads that each hold a simulator; a run goes to whoever is free. */
export interface Workers {
  run(plan: Plan): Promise<SeedResult>
  trace(plan: Plan): Promise<SeedResult & { readonly trace: readonly TraceEntry[] }>
  close(): Promise<void>
}

interface Waiting {
  readonly task: Task
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

/** A run leaves much behind that is short-lived: with room for it, it is collected less often. */
const YOUNG_MB = 128

/** `bug` names a planted bug that the product is loaded with. */
export function startWorkers(count: number, options: { bug?: string } = {}): Workers {
  const waiting: Waiting[] = []
  const idle: Worker[] = []
  const busy = new Map<Worker, Waiting>()
  const all: Worker[] = []
  let broken: unknown

  const give = () => {
    while (idle.length > 0 && waiting.length > 0) {
      const worker = idle.pop() as Worker
      const next = waiting.shift() as Waiting
      busy.set(worker, next)
      worker.postMessage(next.task)
    }
  }
  const fail = (error: unknown) => {
    broken = error
    for (const { reject } of [...busy.values(), ...waiting.splice(0)]) reject(error)
  }

  for (let index = 0; index < count; index++) {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { bug: options.bug },
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    worker.on('message', (result) => {
      busy.get(worker)?.resolve(result as never)
      busy.delete(worker)
      idle.push(worker)
      give()
    })
    worker.on('error', fail)
    all.push(worker)
    idle.push(worker)
  }

  const enqueue = <T>(task: Task) =>
    new Promise<T>((resolve, reject) => {
      if (broken !== undefined) return reject(broken)
      waiting.push({ task, resolve: resolve as (result: never) => void, reject })
      give()
    })

  return {
    run: (plan) => enqueue<SeedResult>({ plan, withTrace: false }),
    trace: (plan) => enqueue({ plan, withTrace: true }),
    close: async () => {
      await Promise.all(all.map((worker) => worker.terminate()))
    },
  }
}
