import type { Transaction } from '@micromart/postgres/database'
import type { Person, PersonalDataStore } from '@micromart/service-kit/personal-data'
import type { AccountAddressee, AccountTemplate } from './domain/account-letter.ts'
import type { Addressee, Template } from './domain/letter.ts'
import type { RenderedMail } from './domain/templates/render-mail.ts'

export type Outcome =
  | { readonly status: 'sent' }
  | { readonly status: 'undeliverable'; readonly reason: 'no-contact' | 'bad-address' | 'recipient-refused' }

/** What became of every e-mail: one store for those about orders, one for those about accounts. */
export interface Emails {
  /** Records those that are not recorded yet, and tells which these are; `about` is the order or the user. */
  add(
    tx: Transaction,
    emails: readonly { id: string; about: string; template: Template | AccountTemplate }[],
  ): Promise<ReadonlySet<string>>
  noteHandOver(id: string): Promise<void>
  /** It was certainly not taken. */
  takeBackHandOver(id: string): Promise<void>
  settle(tx: Transaction, settled: readonly { id: string; outcome: Outcome }[]): Promise<void>
}

/** Those who own names and addresses. Throws when they cannot answer now. */
export interface Contacts {
  find(order: { orderId: string; customerId: string | null }): Promise<Addressee | undefined>
}

/** The user service, which owns addresses and makes links. Throws when it cannot answer now. */
export interface AccountContacts {
  /** Undefined when there is nobody to write to, or nothing to say any more. */
  find(wish: { template: AccountTemplate; userId: string; linkId: string }): Promise<AccountAddressee | undefined>
}

export interface OutgoingMail extends RenderedMail {
  readonly id: string
  readonly to: { readonly name: string; readonly address: string }
  readonly template: Template | AccountTemplate
  /** Null for mails about accounts. */
  readonly orderId: string | null
}

/** Nothing in `detail` is personal: it goes to the log. */
export type HandOver =
  | { readonly kind: 'taken' }
  /** For good: this recipient gets no mail. */
  | { readonly kind: 'recipient-refused' }
  /** `unknown`: it may have been taken, nobody said so. */
  | { readonly kind: 'not-taken' | 'unknown'; readonly detail: string }

export interface MailPort {
  /** True when the same mail handed over twice is one mail. */
  readonly recognisesRepeats: boolean
  /** How long a hand-over may take at most, with room to spare, in milliseconds. */
  readonly leaseMs: number
  handOver(mail: OutgoingMail): Promise<HandOver>
}

export interface MailboxMail extends RenderedMail {
  readonly id: string
  readonly to: string
  readonly template: string
  /** Null for mails about accounts. */
  readonly orderId: string | null
  readonly sentAt: Date
}

export interface MailboxPage {
  readonly to: string | undefined
  /** The last of the page before. */
  readonly before: { readonly sentAt: string; readonly id: string } | undefined
  readonly limit: number
}

/** Newest first. */
export interface Mailbox {
  list(page: MailboxPage): Promise<readonly MailboxMail[]>
  find(id: string): Promise<MailboxMail | undefined>
}

/** What is known here about people who get mail. */
export interface MailedPeople extends PersonalDataStore {
  /** Whether a mail to them is still on its way. */
  awaitMail(tx: Transaction, person: Person): Promise<boolean>
}
