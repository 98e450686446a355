import { UserQueries } from '@micromart/contracts/gen/user_pb'
import type { QueryClients } from '@micromart/service-kit/queries'
import type { AccountContacts } from '../ports.ts'

/** The user service says who is written to, and makes the link. */
export function grpcAccountContacts(options: { grpc: QueryClients; userUrls: readonly string[] }): AccountContacts {
  const user = options.grpc(UserQueries, options.userUrls)
  return {
    async find({ template, userId, linkId }) {
      const { found, name, email, link, expiresAt } = await user.getAccountMail({ userId, letter: template, linkId })
      if (!found) return undefined
      return link === '' ? { name, email } : { name, email, link: { url: link, expiresAt: new Date(expiresAt) } }
    },
  }
}
