import type { Books } from './books.ts'
import type { ReplayedOrder } from './order-replay.ts'

/** A mail that had to be written, and what became of it. */
export interface Mail {
  readonly orderId: string
  readonly template: string
  readonly status: 'waiting' | 'sent' | 'undeliverable' | 'unasked'
  /** It was given up for want of an address that the shop has. */
  readonly hadAddress: boolean
  /** How often it was handed over, in the mailbox or to a mail server. */
  readonly handedOver: number
  /** How often more than once the customer may have it: known and counted. */
  readonly duplicates: number
}

const EMAILS = 'SELECT id, order_id, template, status, reason, handovers FROM emails'
const ADDRESSES = 'SELECT order_id FROM checkout_contacts WHERE email IS NOT NULL'
const MAILBOX = 'SELECT id, order_id, template, duplicates FROM mailbox'

export async function readMails(books: Books): Promise<readonly Mail[]> {
  type Row = { id: string; order_id: string; template: string }
  type Email = Row & { status: Mail['status']; reason: string | null; handovers: number }
  const emails = await books.read<Email>('notification', EMAILS)
  const addresses = await books.read<{ order_id: string }>('cart', ADDRESSES)
  const reachable = new Set(addresses.map(({ order_id }) => order_id))
  const mailbox = await books.read<Row & { duplicates: number }>('notification', MAILBOX)
  const boxed = new Map(mailbox.map((row) => [row.id, row]))
  const known = new Set(emails.map(({ id }) => id))
  return [
    ...emails.map(({ id, order_id, template, status, reason, handovers }) => {
      const box = boxed.get(id)
      const duplicates = (box?.duplicates ?? 0) + Math.max(0, handovers - 1)
      const hadAddress = reason === 'no-contact' && reachable.has(order_id)
      return { orderId: order_id, template, status, hadAddress, handedOver: handovers + (box ? 1 : 0), duplicates }
    }),
    ...mailbox
      .filter(({ id }) => !known.has(id))
      .map(({ order_id, template, duplicates }) => ({
        ...{ orderId: order_id, template, status: 'unasked' as const, hadAddress: false, handedOver: 1, duplicates },
      })),
  ]
}

/** Each turn of an order that its customer hears of is one mail, sent or known to be undeliverable; and no mail comes without a cause. */
export function judgeMails(orders: ReadonlyMap<string, ReplayedOrder>, mails: readonly Mail[]): readonly string[] {
  const due = new Set([...orders.values()].flatMap(templatesOf))
  const written = new Map<string, number>()
  for (const { orderId, template } of mails) {
    const name = `${template} of order ${orderId}`
    written.set(name, (written.get(name) ?? 0) + 1)
  }
  return [
    ...[...due].filter((name) => !written.has(name)).map((name) => `the mail ${name} was never written`),
    ...[...written].filter(([name]) => !due.has(name)).map(([name]) => `the mail ${name} has no cause`),
    ...[...written]
      .filter(([, count]) => count > 1)
      .map(([name, count]) => `the mail ${name} was written ${count} times`),
    ...mails.flatMap(judgeMail),
  ]
}

function judgeMail({ orderId, template, status, hadAddress, handedOver }: Mail): readonly string[] {
  const name = `the mail ${template} of order ${orderId}`
  if (status === 'waiting') return [`${name} still waits`]
  if (hadAddress) return [`${name} was given up for want of an address, but there is one`]
  if (status === 'unasked') return [`${name} is in the mailbox, but nobody asked for it`]
  return status === 'sent' && handedOver === 0 ? [`${name} counts as sent, but was handed over to nobody`] : []
}

const templatesOf = ({ orderId, confirmedAt, wasCancelled, refunded }: ReplayedOrder): readonly string[] => [
  ...(confirmedAt === null ? [] : [`order-confirmed of order ${orderId}`]),
  ...(wasCancelled ? [`order-cancelled of order ${orderId}`] : []),
  ...(refunded ? [`order-refunded of order ${orderId}`] : []),
]
