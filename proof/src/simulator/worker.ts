import { parentPort, workerData } from 'node:worker_threads'
import { loadSimulator } from './load.ts'
import type { Plan } from './plan.ts'

/** A plan to run, and whether its trace is wanted too. */
export interface Task {
  readonly plan: Plan
  readonly withTrace: boolean
}

const { bug } = workerData as { bug: string | undefined }
const simulator = await loadSimulator({ bug })

parentPort?.on('message', async ({ plan, withTrace }: Task) => {
  const { trace, ...result } = await simulator.run(plan)
  parentPort?.postMessage(withTrace ? { ...result, trace } : result)
})
