import { createBatcher } from '@micromart/postgres/batcher'
import { currentContext, type WorkContext } from '@micromart/telemetry/context'

export interface Call<Item> {
  readonly item: Item
  readonly context: WorkContext | undefined
}

/** Calls that come while one runs are answered together by the next; an `Error` among the answers fails its own call only. */
export function batched<Item, Answer>(
  run: (calls: readonly Call<Item>[]) => Promise<readonly (Answer | Error)[]>,
): (item: Item) => Promise<Answer> {
  type Waiting = Call<Item> & { resolve(answer: Answer): void; reject(error: unknown): void }
  const batcher = createBatcher<Waiting>({
    flush: async (waiting) => {
      const answers = await run(waiting)
      waiting.forEach(({ resolve, reject }, index) => {
        const answer = answers[index]
        if (answer instanceof Error) reject(answer)
        else resolve(answer as Answer)
      })
    },
    onError: (error, waiting) => {
      for (const { reject } of waiting) reject(error)
    },
  })
  return (item) =>
    new Promise((resolve, reject) => {
      batcher.add({ item, context: currentContext(), resolve, reject })
    })
}
