import type { PostalAddressBody } from '@micromart/contracts/postal-address'
import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { AccountLink, LinkPurpose } from './domain/account-link.ts'
import type { Account, SignInAttempt } from './ports.ts'
import type { Sessions } from './sessions.ts'

/** An account that is open, with all that its owner may see and change. */
export interface OpenAccount extends Account {
  /** Counts the changes that the owner sees. */
  readonly version: number
  /** BCP 47, canonical. */
  readonly locale: string | null
  readonly marketingConsentAt: Date | null
  readonly createdAt: Date
}

/** Accounts that are open; one that was closed is nowhere. */
export interface OpenAccounts {
  find(id: string): Promise<OpenAccount | undefined>
  /** Nobody else changes it until the transaction ends. */
  lock(tx: Transaction, id: string): Promise<OpenAccount | undefined>
  /** `email` is normalised. */
  lockByEmail(tx: Transaction, email: string): Promise<OpenAccount | undefined>
}

/** What is written to an account under its lock. */
export interface AccountChanges {
  saveProfile(tx: Transaction, account: Pick<OpenAccount, 'id' | 'name' | 'locale' | 'marketingConsentAt'>): void
  setPassword(tx: Transaction, id: string, passwordHash: string): void
  /** The address is its owner's: mail that was sent there has been read. */
  setVerifiedEmail(tx: Transaction, id: string, email: string): Promise<'done' | 'taken'>
}

export interface Closing {
  /** Who is admin. To be asked before any account is locked. */
  lockAdmins(tx: Transaction): Promise<readonly string[]>
  /** Frees the address, forgets every way in, roles and address book, and keeps where to write to until the account is erased. */
  close(tx: Transaction, account: Pick<OpenAccount, 'id' | 'email'>): void
}

/** Accounts that are closed and not yet forgotten. Of one address there may be several. */
export interface ClosedAccounts {
  /** Nobody else changes them until the transaction ends. */
  lockByEmail(tx: Transaction, email: string): Promise<readonly Pick<OpenAccount, 'id' | 'email'>[]>
  /** Undefined when there is no account at all. Nobody else changes it until the transaction ends. */
  lock(tx: Transaction, id: string): Promise<'open' | 'closed' | undefined>
}

/** Links that were mailed. */
export interface AccountLinks {
  add(tx: Transaction, link: Omit<AccountLink, 'endedAt'>): void
  countSince(tx: Transaction, of: { userId: string; purpose: LinkPurpose; since: Date }): Promise<number>
  find(id: string): Promise<AccountLink | undefined>
  /** Ends it. Undefined when it has ended or expired: of two who use it at once one gets it. */
  use(tx: Transaction, id: string): Promise<AccountLink | undefined>
  /** Ends those that are open, of one purpose or of all. */
  endAll(tx: Transaction, userId: string, purpose?: LinkPurpose): void
  forget(tx: Transaction, ids: readonly string[]): void
}

export interface LinkTokens {
  /** What a mailed link carries; the same each time. */
  tokenOf(link: { id: string; purpose: LinkPurpose }): string
  /** The link's id; undefined for a token that was not made here, or for another purpose. */
  idIn(token: string, purpose: LinkPurpose): string | undefined
}

/** Counts mails that were asked for, by the address that gets them and by the client that asks. */
export interface MailThrottle {
  /** Milliseconds to wait; with 0 the mail is counted and may go. */
  admit(attempt: SignInAttempt): Promise<number>
}

/** Ends what somebody is signed in with. */
export type EndSessions = Pick<Sessions, 'endAll'>

/** Somebody whom mail reaches, also after their account was closed. */
export interface Contacts {
  find(userId: string): Promise<Contact | undefined>
}

export interface Contact {
  readonly name: string
  readonly email: string
  readonly emailVerified: boolean
}

export interface SavedAddress extends Required<PostalAddressBody> {
  readonly id: string
  readonly version: number
  readonly isDefaultShipping: boolean
  readonly isDefaultBilling: boolean
}

/** Null takes the default away; what is left out stays. */
export interface DefaultAddresses {
  readonly shippingId?: string | null
  readonly billingId?: string | null
}

/** A person's addresses, oldest first. Writers hold the lock of the account. */
export interface AddressBook {
  list(db: Queryable, userId: string): Promise<readonly SavedAddress[]>
  add(tx: Transaction, address: Required<PostalAddressBody> & { readonly id: string; readonly userId: string }): void
  /** Counts `version` up. */
  replace(tx: Transaction, address: Required<PostalAddressBody> & { readonly id: string }): void
  remove(tx: Transaction, id: string): void
  setDefaults(tx: Transaction, userId: string, defaults: DefaultAddresses): void
}
