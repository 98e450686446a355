import type { Clock } from '@micromart/kernel/clock'
import type { BatchHandler } from '@micromart/messaging/broker'
import type { Database } from '@micromart/postgres/database'
import { decideDeadLetter, findDeadLetter } from '@micromart/postgres/dead-letters'
import type { TimerHandler } from '@micromart/postgres/timers'

export const REPLAY_TIMER = 'replay-dead-letter'

/**
 * Handles a dead letter again as if it had just been delivered for the first time; `micromart dead-letters replay` schedules it.
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
    if (letter.messageId) await forget(options.database, letter.consumer, letter.messageId)
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

/** A refused message was recorded in the inbox together with its dead letter: without this it would count as handled. */
const forget = (database: Database, consumer: string, messageId: string) =>
  database.execute('DELETE FROM inbox WHERE consumer = $1 AND message_id = $2', [consumer, messageId])
