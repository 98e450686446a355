/** What a person is told about their account; address, name and link are asked for when it is written. */
export type AccountTemplate =
  | 'verify-email'
  | 'reset-password'
  | 'registration-attempted'
  | 'confirm-new-email'
  | 'email-change-requested'
  | 'email-changed'
  | 'password-changed'
  | 'account-closed'
  | 'confirm-erasure'

/** What the user service says when a mail is written. */
export interface AccountAddressee {
  /** Empty where it is not sure that the address is the person's. */
  readonly name: string
  readonly email: string
  /** Only in letters that carry one. */
  readonly link?: { readonly url: string; readonly expiresAt: Date }
}
