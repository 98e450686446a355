import type { Clock } from '@micromart/kernel/clock'
import type { Database } from '@micromart/postgres/database'
import type { FinishedRound, Question, RoundStore } from '../provider-rounds.ts'

const LEAVE = `
  INSERT INTO provider_rounds (browser_hash, provider, return_to, owner_id, status, expires_at)
  VALUES ($1, $2, $3, $4, 'away', $5)`
const TAKE = `
  UPDATE provider_rounds SET status = 'asking'
  WHERE browser_hash = $1 AND provider = $2 AND status = 'away' AND expires_at > $3
  RETURNING provider, return_to AS "returnTo", owner_id AS "ownerId"`
const SETTLE = `
  UPDATE provider_rounds SET status = $2, sealed_identity = $3, refusal = $4
  WHERE browser_hash = $1 AND status = 'asking'`
const FINISH = `
  DELETE FROM provider_rounds
  WHERE browser_hash = $1 AND status IN ('back', 'refused') AND expires_at > $2 AND owner_id IS NOT DISTINCT FROM $3
  RETURNING provider, status, sealed_identity AS "sealedIdentity", refusal`

export const postgresProviderRounds = ({ database, clock }: { database: Database; clock: Clock }): RoundStore => ({
  leave: async (browserHash, { provider, returnTo, ownerId }, expiresAt) =>
    void (await database.execute(LEAVE, [browserHash, provider, returnTo, ownerId ?? null, expiresAt])),
  take: async (browserHash, provider) =>
    (await database.query<Question>(TAKE, [browserHash, provider, clock.now()]))[0],
  settle: async (browserHash, outcome) => {
    const sealed = outcome.status === 'back' ? outcome.sealedIdentity : null
    const refusal = outcome.status === 'refused' ? outcome.refusal : null
    await database.execute(SETTLE, [browserHash, outcome.status, sealed, refusal])
  },
  finish: async (tx, browserHash, ownerId) =>
    (await tx.query<FinishedRound>(FINISH, [browserHash, clock.now(), ownerId ?? null]))[0],
})
