import type { Queryable } from './database.ts'

/** A message that was given up, and why. */
export interface DeadLetter {
  /** UUID of the record. */
  readonly id: string
  readonly consumer: string
  /** Null when the body could not be read. */
  readonly messageId: string | null
  readonly type: string | null
  readonly body: string
  readonly code: string
  readonly detail: string
  readonly attempts: number
  readonly diedAt: Date
  readonly state: 'waiting' | 'replaying' | 'replayed' | 'discarded'
  readonly decidedAt: Date | null
  readonly decidedBy: string | null
}

const COLUMNS = `id, consumer, message_id AS "messageId", type, body, code, detail, attempts, died_at AS "diedAt", state,
  decided_at AS "decidedAt", decided_by AS "decidedBy"`

export const recordDeadLetters = async (
  db: Queryable,
  letters: readonly Omit<DeadLetter, 'state' | 'decidedAt' | 'decidedBy'>[],
): Promise<void> => {
  for (const letter of letters)
    await db.execute(
      `INSERT INTO dead_letters (id, consumer, message_id, type, body, code, detail, attempts, died_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        letter.id,
        letter.consumer,
        letter.messageId,
        letter.type,
        letter.body,
        letter.code,
        letter.detail,
        letter.attempts,
        letter.diedAt,
      ],
    )
}

export const listDeadLetters = (db: Queryable, options: { all: boolean }): Promise<readonly DeadLetter[]> =>
  db.query<DeadLetter>(`SELECT ${COLUMNS} FROM dead_letters WHERE $1 OR state = 'waiting' ORDER BY died_at, id`, [
    options.all,
  ])

export const findDeadLetter = async (db: Queryable, id: string): Promise<DeadLetter | undefined> =>
  (await db.query<DeadLetter>(`SELECT ${COLUMNS} FROM dead_letters WHERE id = $1`, [id]))[0]

/** A dead letter's message is recorded in the inbox: forgotten once, when a replay is decided, it is handled once more and no more than once. */
export const forgetInInbox = (db: Queryable, { consumer, messageId }: DeadLetter): Promise<number> =>
  db.execute('DELETE FROM inbox WHERE consumer = $1 AND message_id::text = $2', [consumer, messageId])

/** Moves a letter on and notes who decided; false when it is no longer in state `from`. */
export const decideDeadLetter = async (
  db: Queryable,
  options: { id: string; from: DeadLetter['state']; to: DeadLetter['state']; by: string; at: Date },
): Promise<boolean> =>
  (await db.execute(
    'UPDATE dead_letters SET state = $3, decided_by = $4, decided_at = $5 WHERE id = $1 AND state = $2',
    [options.id, options.from, options.to, options.by, options.at],
  )) === 1
