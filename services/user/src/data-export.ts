import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import type { Transaction } from '@micromart/postgres/database'
import type { TimerHandler, Timers } from '@micromart/postgres/timers'
import type { DataExport, DataExports, Keepers, OwnData } from './privacy-ports.ts'

const COLLECT_EXPORT = 'collect-export'
const DROP_EXPORT = 'drop-export'

const KEPT_MS = 7 * 24 * 3_600_000

export interface DataExporting {
  /** One at a time: while one is collected, that is the answer. */
  request(tx: Transaction, userId: string): Promise<DataExport>
  readonly timers: readonly [TimerHandler<{ userId: string }, object>, TimerHandler]
}

/** Collects what every service knows about a person into one document, and drops it after a week. */
export function createDataExporting({
  exports,
  keepers,
  own,
  timers,
  clock,
  ids,
}: {
  exports: DataExports
  keepers: Keepers
  own: OwnData
  timers: Timers
  clock: Clock
  ids: Ids
}): DataExporting {
  const collect = async (userId: string) => {
    const orderIds = (await keepers.ordersOf(userId)).map(({ orderId }) => orderId)
    const person = { userId, orderIds }
    const [mine, theirs] = await Promise.all([own.collect(person), keepers.collect(person)])
    return { collectedAt: clock.now().toISOString(), user: mine, ...theirs }
  }

  return {
    async request(tx, userId) {
      const running = await exports.unfinished(tx, userId)
      if (running) return running
      const requestedAt = clock.now()
      const expiresAt = new Date(requestedAt.getTime() + KEPT_MS)
      const id = ids.next()
      await exports.add(tx, { id, userId, requestedAt, expiresAt })
      await timers.schedule(tx, [
        { id: `${COLLECT_EXPORT}:${id}`, kind: COLLECT_EXPORT, subject: id, data: { userId }, dueAt: requestedAt },
        { id: `${DROP_EXPORT}:${id}`, kind: DROP_EXPORT, subject: id, data: {}, dueAt: expiresAt },
      ])
      return { id, status: 'collecting', requestedAt, readyAt: null, expiresAt }
    },
    timers: [
      {
        kind: COLLECT_EXPORT,
        perform: ({ data }) => collect(data.userId),
        settle: async (tx, done) => {
          for (const { timer, outcome: document } of done)
            await exports.fill(tx, { id: timer.subject, document, at: clock.now() })
        },
      },
      {
        kind: DROP_EXPORT,
        settle: async (tx, done) => {
          for (const { timer } of done) await exports.drop(tx, timer.subject)
        },
      },
    ],
  }
}
