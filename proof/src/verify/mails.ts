import { type Books, isMissingTable } from './books.ts'
import type { ReplayedOrder } from './order-replay.ts'

/** A mail that had to be written, and what became of it. */
export interface Mail {
  /** Such as `order-confirmed of order ...`. */
  readonly name: string
  readonly about: 'order' | 'account'
  readonly status: 'waiting' | 'sent' | 'undeliverable' | 'unasked'
  /** It was given up for want of an address that the shop has. */
  readonly hadAddress: boolean
  /** How often it was handed over, in the mailbox or to a mail server. */
  readonly handedOver: number
  /** How often more than once the person may have it: known and counted. */
  readonly duplicates: number
}

interface Row {
  readonly id: string
  readonly template: string
  /** The order or the account. */
  readonly about: string
}
type Email = Row & { status: Mail['status']; reason: string | null; handovers: number }
type Boxed = Row & { duplicates: number }

const EMAILS = 'SELECT id, order_id AS about, template, status, reason, handovers FROM emails'
const ACCOUNT_EMAILS = 'SELECT id, user_id AS about, template, status, reason, handovers FROM account_emails'
const ADDRESSES = 'SELECT order_id FROM checkout_contacts WHERE email IS NOT NULL'
const MAILBOX = 'SELECT id, order_id AS about, template, duplicates FROM mailbox'

export async function readMails(books: Books): Promise<readonly Mail[]> {
  const emails = await books.read<Email>('notification', EMAILS)
  const accountEmails = await readAccountEmails(books)
  const addresses = await books.read<{ order_id: string }>('cart', ADDRESSES)
  const reachable = new Set(addresses.map(({ order_id }) => order_id))
  const mailbox = await books.read<Omit<Boxed, 'about'> & { about: string | null }>('notification', MAILBOX)
  const ofOrders = mailbox.flatMap(({ about, ...row }) => (about === null ? [] : [{ ...row, about }]))
  const ofAccounts = mailbox.flatMap(({ about, ...row }) => (about === null ? [{ ...row, about: row.id }] : []))
  return [
    ...followed('order', emails, ofOrders).map(({ email, ...mail }) => ({
      ...mail,
      hadAddress: email?.reason === 'no-contact' && reachable.has(email.about),
    })),
    // whether the user service had somebody to write to is not known afterwards: links expire, accounts are closed
    ...followed('account', accountEmails, ofAccounts).map(({ email: _, ...mail }) => ({ ...mail, hadAddress: false })),
  ]
}

/** A shop of an older version writes no mails about accounts. */
async function readAccountEmails(books: Books): Promise<readonly Email[]> {
  try {
    return await books.read<Email>('notification', ACCOUNT_EMAILS)
  } catch (error) {
    if (isMissingTable(error)) return []
    throw error
  }
}

function followed(about: Mail['about'], emails: readonly Email[], mailbox: readonly Boxed[]) {
  const boxed = new Map(mailbox.map((row) => [row.id, row]))
  const known = new Set(emails.map(({ id }) => id))
  const nameOf = (row: Row) => `${about === 'order' ? row.template : row.id} of ${about} ${row.about}`
  return [
    ...emails.map((email) => {
      const box = boxed.get(email.id)
      return {
        ...{ name: nameOf(email), about, email, status: email.status },
        handedOver: email.handovers + (box ? 1 : 0),
        duplicates: (box?.duplicates ?? 0) + Math.max(0, email.handovers - 1),
      }
    }),
    ...mailbox
      .filter(({ id }) => !known.has(id))
      .map((row) => ({
        ...{ name: nameOf(row), about, email: undefined, status: 'unasked' as const },
        ...{ handedOver: 1, duplicates: row.duplicates },
      })),
  ]
}

/** Each turn of an order that its customer hears of is one mail, sent or known to be undeliverable; and no mail comes without a cause. */
export function judgeMails(orders: ReadonlyMap<string, ReplayedOrder>, mails: readonly Mail[]): readonly string[] {
  const due = new Set([...orders.values()].flatMap(templatesOf))
  const written = new Map<string, number>()
  for (const { name, about } of mails) if (about === 'order') written.set(name, (written.get(name) ?? 0) + 1)
  return [
    ...[...due].filter((name) => !written.has(name)).map((name) => `the mail ${name} was never written`),
    ...[...written].filter(([name]) => !due.has(name)).map(([name]) => `the mail ${name} has no cause`),
    ...[...written]
      .filter(([, count]) => count > 1)
      .map(([name, count]) => `the mail ${name} was written ${count} times`),
    ...mails.flatMap(judgeMail),
  ]
}

function judgeMail({ name, status, hadAddress, handedOver }: Mail): readonly string[] {
  if (status === 'waiting') return [`the mail ${name} still waits`]
  if (hadAddress) return [`the mail ${name} was given up for want of an address, but there is one`]
  if (status === 'unasked') return [`the mail ${name} is in the mailbox, but nobody asked for it`]
  return status === 'sent' && handedOver === 0 ? [`the mail ${name} counts as sent, but was handed over to nobody`] : []
}

const templatesOf = ({ orderId, confirmedAt, wasCancelled, refunded }: ReplayedOrder): readonly string[] => [
  ...(confirmedAt === null ? [] : [`order-confirmed of order ${orderId}`]),
  ...(wasCancelled ? [`order-cancelled of order ${orderId}`] : []),
  ...(refunded ? [`order-refunded of order ${orderId}`] : []),
]
