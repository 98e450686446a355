import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { accountMails } from './account-mails.ts'
import type { MailThrottle } from './account-ports.ts'
import { isCommonPassword } from './adapters/common-passwords.ts'
import { hmacLinkTokens } from './adapters/hmac-link-tokens.ts'
import { postgresAccountLinks } from './adapters/postgres-account-links.ts'
import { postgresAddresses } from './adapters/postgres-addresses.ts'
import { postgresContacts } from './adapters/postgres-contacts.ts'
import { postgresAccountChanges, postgresClosing, postgresOpenAccounts } from './adapters/postgres-open-accounts.ts'
import type { ApiKeys } from './api-keys.ts'
import { emailChange } from './change-email.ts'
import { accountClosing } from './close-account.ts'
import { forbiddenWords, storefrontUrl, type UserConfig } from './config.ts'
import { linkLifetimes } from './domain/account-link.ts'
import { leansOnHouseWords } from './domain/house-words.ts'
import type { IsCommonPassword } from './domain/password.ts'
import { addressRoutes } from './http/address-routes.ts'
import { emailRoutes } from './http/email-routes.ts'
import { prover } from './http/own-account.ts'
import { passwordRoutes } from './http/password-routes.ts'
import { profileRoutes } from './http/profile-routes.ts'
import { linkMailer, type MailLink } from './mail-links.ts'
import { newPassword } from './new-password.ts'
import { linkOpener } from './open-link.ts'
import type { Passwords, SignInThrottle, Users } from './ports.ts'
import { privacy } from './privacy.ts'
import { userQueries } from './queries.ts'
import { reauthentication } from './reauthenticate.ts'
import { type AskForAccount, registrations } from './registration.ts'
import { resetRequests } from './request-reset.ts'
import type { Sessions } from './sessions.ts'
import { emailVerification } from './verify-email.ts'

export interface AccountLife extends Required<Pick<BuiltService, 'queries' | 'subscription' | 'timerHandlers'>> {
  readonly isCommon: IsCommonPassword
  readonly mailLink: MailLink
  readonly askForAccount: AskForAccount
}

/** What becomes of an account once it is there: its routes, its mails, and what others may ask about it. */
export function accountLife(
  parts: ServiceParts<UserConfig>,
  own: {
    users: Users
    passwords: Passwords
    throttle: SignInThrottle
    mailThrottle: MailThrottle
    sessions: Sessions
    /** Sessions and API keys whose access tokens may still live. */
    ended: Sessions['ended']
    exchangeKey: ApiKeys['exchange']
  },
): AccountLife {
  const { config, database, outbox, timers, write, audit, clock, ids, http } = parts
  const { passwords, throttle } = own
  const accounts = postgresOpenAccounts(database)
  const changes = postgresAccountChanges({ clock })
  const links = postgresAccountLinks({ database, clock })
  const contacts = postgresContacts(database)
  const tokens = hmacLinkTokens({ secret: config.INTERNAL_TOKEN })
  const leansOnWords = leansOnHouseWords(forbiddenWords(config))
  const isCommon: IsCommonPassword = (typed) => isCommonPassword(typed) || leansOnWords(typed)
  const { mailLink, forgetLinks } = linkMailer({
    ...{ links, timers, outbox, ids, clock },
    lifetimes: linkLifetimes({ resetMinutes: config.USER_RESET_LINK_MINUTES }),
  })
  const { requestReset, mailResets } = resetRequests({ accounts, mailLink, timers, audit, ids, clock })
  const { askForAccount, openAccounts } = registrations({ ...parts, ...own, accounts, mailLink })
  const prove = prover(reauthentication({ accounts, passwords, throttle, database, audit }))
  const shared = { ...own, accounts, changes, links, mailLink, outbox, audit, ids, clock, write, prove, isCommon }
  const openLink = linkOpener({ links, tokens, clock })

  passwordRoutes(http, { ...shared, openLink, requestReset, newPassword: newPassword(shared) })
  emailRoutes(http, { ...shared, openLink, verification: emailVerification(shared), change: emailChange(shared) })
  const close = accountClosing({ ...shared, closing: postgresClosing({ clock }) })
  profileRoutes(http, { ...shared, close })
  const { subscription, timerHandlers: privacyTimers } = privacy(parts, { ...shared, openLink, close })
  addressRoutes(http, { accounts, addresses: postgresAddresses({ clock }), database, write, ids })

  const mails = accountMails({ contacts, links, tokens, clock, storefrontUrl: storefrontUrl(config) })
  return {
    isCommon,
    mailLink,
    askForAccount,
    queries: userQueries({ ...own, contacts, mails }),
    subscription,
    timerHandlers: [forgetLinks, mailResets, openAccounts, ...privacyTimers],
  }
}
