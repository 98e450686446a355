import type { ConnectRouter } from '@connectrpc/connect'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { isUuid } from '@micromart/kernel/ids'
import type { Users } from './ports.ts'
import type { Sessions } from './sessions.ts'

/** What other services may ask over gRPC. */
export const userQueries = (users: Users, sessions: Pick<Sessions, 'ended'>) => (router: ConnectRouter) =>
  router.service(UserQueries, {
    getContact: async ({ userId }) => {
      const user = isUuid(userId) ? await users.find(userId) : undefined
      return user ? { found: true, name: user.name, email: user.email } : { found: false }
    },
    listEndedSessions: async () => ({
      sessions: (await sessions.ended()).map(({ id, tokensExpireAt }) => ({
        sessionId: id,
        tokensExpireAt: tokensExpireAt.toISOString(),
      })),
    }),
  })
