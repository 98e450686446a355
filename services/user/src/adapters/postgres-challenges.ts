import type { Clock } from '@micromart/kernel/clock'
import type { Challenges } from '../sign-in-challenges.ts'

const OPEN = 'INSERT INTO sign_in_challenges (challenge_hash, user_id, tries_left, expires_at) VALUES ($1, $2, $3, $4)'
const LOCK = `
  SELECT user_id AS "userId" FROM sign_in_challenges
  WHERE challenge_hash = $1 AND expires_at > $2 AND tries_left > 0 FOR UPDATE`
const SPEND_TRY = 'UPDATE sign_in_challenges SET tries_left = tries_left - 1 WHERE challenge_hash = $1'
const CLOSE = 'DELETE FROM sign_in_challenges WHERE challenge_hash = $1'

export const postgresChallenges = ({ clock }: { clock: Clock }): Challenges => ({
  open: async (db, { hash, userId, triesLeft, expiresAt }) =>
    void (await db.execute(OPEN, [hash, userId, triesLeft, expiresAt])),
  lock: async (tx, hash) => (await tx.query<{ userId: string }>(LOCK, [hash, clock.now()]))[0]?.userId,
  spendTry: async (tx, hash) => tx.write(SPEND_TRY, [hash]),
  close: async (tx, hash) => tx.write(CLOSE, [hash]),
})
