import type { Clock } from '@micromart/kernel/clock'
import type { ChallengeStore } from '../sign-in-challenges.ts'

const OPEN = 'INSERT INTO sign_in_challenges (challenge_hash, user_id, tries_left, expires_at) VALUES ($1, $2, $3, $4)'
const FIND = `
  SELECT user_id AS "userId" FROM sign_in_challenges WHERE challenge_hash = $1 AND expires_at > $2 AND tries_left > 0`
const LOCK = `${FIND} FOR UPDATE`
const SPEND_TRY = 'UPDATE sign_in_challenges SET tries_left = tries_left - 1 WHERE challenge_hash = $1'
const CLOSE = 'DELETE FROM sign_in_challenges WHERE challenge_hash = $1'
const CLOSE_ALL = 'DELETE FROM sign_in_challenges WHERE user_id = $1'

export const postgresChallenges = ({ clock }: { clock: Clock }): ChallengeStore => ({
  open: (tx, { hash, userId, triesLeft, expiresAt }) => tx.write(OPEN, [hash, userId, triesLeft, expiresAt]),
  accountOf: async (tx, hash) => (await tx.query<{ userId: string }>(FIND, [hash, clock.now()]))[0]?.userId,
  lock: async (tx, hash) => (await tx.query(LOCK, [hash, clock.now()])).length === 1,
  spendTry: (tx, hash) => tx.write(SPEND_TRY, [hash]),
  close: (tx, hash) => tx.write(CLOSE, [hash]),
  closeAll: (tx, userId) => tx.write(CLOSE_ALL, [userId]),
})
