import Type from 'typebox'
import { Instant, message, Uuid } from './message.ts'

/** Sessions have ended, or API keys were revoked: whoever checks access tokens refuses those whose `sid` is among these. */
export const SessionsEnded = message(
  'micromart.user.sessions-ended.v1',
  'userId',
  Type.Object({
    userId: Uuid,
    sessionIds: Type.Array(Uuid, { minItems: 1 }),
    /** No access token of theirs is good after this, so they need not be remembered any longer. */
    tokensExpireAt: Instant,
  }),
)
