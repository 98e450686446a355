import type { Clock } from '@micromart/kernel/clock'
import type { BatchHandler } from '@micromart/messaging/broker'
import type { Database } from '@micromart/postgres/database'
import { decideDeadLetter, findDeadLetter } from '@micromart/postgres/dead-letters'
import type { TimerHandler } from '@micromart/postgres/timers'

export const REPLAY_TIMER = 'replay-dead-letter'

/**
 * Handles a dead letter again as if it had just been delivered for the first time, and only once, however often it is tried; `micromart dead-letters replay` schedules it.
 * Whatever refuses it again makes a new dead letter.
 */
export const replayHandler = (options: {
  database: Database
  handle: BatchHandler
  clock: Clock
}): TimerHandler<object> => ({
  kind: REPLAY_TIMER,
  perform: async ({ subject }) => {
    const letter = await findDeadLetter(options.database, subject)
    if (letter?.state !== 'replaying') return
    const [verdict] = await options.handle([{ body: letter.body, attempt: 1, exhausted: false }])
    if (verdict?.kind === 'retry') throw new Error('The replayed message failed for now')
  },
  settle: async (tx, done) => {
    for (const { timer } of done)
      await decideDeadLetter(tx, {
        id: timer.subject,
        from: 'replaying',
        to: 'replayed',
        by: 'replay',
        at: options.clock.now(),
      })
  },
})
