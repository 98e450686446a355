import type { ConnectRouter } from '@connectrpc/connect'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { isUuid } from '@micromart/kernel/ids'
import type { AccountMails } from './account-mails.ts'
import type { Contacts } from './account-ports.ts'
import type { ApiKeys } from './api-keys.ts'
import type { Sessions } from './sessions.ts'

export interface AskedOfUser {
  readonly contacts: Contacts
  readonly mails: AccountMails
  readonly ended: Sessions['ended']
  readonly exchangeKey: ApiKeys['exchange']
}

/** What other services may ask over gRPC. */
export const userQueries =
  ({ contacts, mails, ended, exchangeKey }: AskedOfUser) =>
  (router: ConnectRouter) =>
    router.service(UserQueries, {
      getContact: async ({ userId }) => {
        const user = isUuid(userId) ? await contacts.find(userId) : undefined
        return user ? { found: true, name: user.name, email: user.email } : { found: false }
      },
      getAccountMail: async ({ userId, letter, linkId }) => {
        const isAskable = isUuid(userId) && (linkId === '' || isUuid(linkId))
        const mail = isAskable ? await mails({ userId, letter, linkId }) : undefined
        if (!mail) return { found: false }
        const { name, email, link = '', expiresAt } = mail
        return { found: true, name, email, link, expiresAt: expiresAt?.toISOString() ?? '' }
      },
      listEndedSessions: async () => ({
        sessions: (await ended()).map(({ id, tokensExpireAt }) => ({
          sessionId: id,
          tokensExpireAt: tokensExpireAt.toISOString(),
        })),
      }),
      exchangeApiKey: async ({ apiKey }) => {
        const exchanged = await exchangeKey(apiKey)
        return exchanged.ok ? { good: true, ...exchanged.value } : { good: false }
      },
    })
