import Type from 'typebox'
import { message, Uuid } from './message.ts'

/** A link to be mailed: who mails it asks the user service for address and link, as neither belongs into a message. */
const linked = Type.Object({ userId: Uuid, linkId: Uuid })

/** Somebody has to show that the address of an account is theirs. */
export const EmailVerificationRequested = message('micromart.user.email-verification-requested.v1', 'userId', linked)

/** Somebody has forgotten the password, or says so. */
export const PasswordResetRequested = message('micromart.user.password-reset-requested.v1', 'userId', linked)

/** Somebody wanted to open an account with an address that has one; the link sets a new password. */
export const RegistrationAttempted = message('micromart.user.registration-attempted.v1', 'userId', linked)

/** The owner of a closed account wants to be forgotten, or somebody says so. */
export const ErasureLinkRequested = message('micromart.user.erasure-link-requested.v1', 'userId', linked)

/** An account is to get another address; it has its old one until the new one confirms. */
export const EmailChangeRequested = message('micromart.user.email-change-requested.v1', 'userId', linked)

/** The new address has confirmed; `linkId` is that of the request. */
export const EmailChanged = message('micromart.user.email-changed.v1', 'userId', linked)

/** Changed or reset: every other session has ended. */
export const PasswordChanged = message(
  'micromart.user.password-changed.v1',
  'userId',
  Type.Object({ userId: Uuid, changeId: Uuid }),
)

/** Nobody can sign in to it again; what others keep about the person waits for its erasure. */
export const AccountClosed = message('micromart.user.account-closed.v1', 'userId', Type.Object({ userId: Uuid }))
