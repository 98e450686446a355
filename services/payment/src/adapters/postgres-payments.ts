import type { Ids } from '@micromart/kernel/ids'
import type { Database } from '@micromart/postgres/database'
import type { HeldStatus, MoneyState, Payment, Terms } from '../domain/payment.ts'
import type { Booking, LedgerEntry, PaymentStore, PaymentViews, ProviderEvents } from '../ports.ts'

interface Row {
  readonly order_id: string
  readonly order_says: Payment['orderSays']
  readonly status: MoneyState['status']
  readonly payment_id: string
  readonly amount_minor: string
  readonly currency: string
  readonly method: string
  readonly due_at: string
  readonly reference: string
  readonly action_url: string
  readonly reason: string
  readonly updated_at: Date
}

const COLUMNS = `order_id, order_says, status, payment_id, amount_minor, currency, method, due_at, reference, action_url, reason,
  updated_at`
const OPEN = `
  INSERT INTO payments (order_id, order_says, status, created_at, updated_at)
  SELECT id, 'open', 'none', $2, $2 FROM unnest($1::uuid[]) AS row (id)
  ON CONFLICT DO NOTHING`
const LOCK = `SELECT ${COLUMNS} FROM payments WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id FOR UPDATE`
const FIND = `SELECT ${COLUMNS} FROM payments WHERE order_id = $1`
const SAVE = `
  UPDATE payments SET order_says = row.order_says, status = row.status, payment_id = row.payment_id,
    amount_minor = row.amount_minor, currency = row.currency, method = row.method, due_at = row.due_at,
    reference = row.reference, action_url = row.action_url, reason = row.reason, updated_at = $12
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[]) AS row (order_id, order_says, status, payment_id, amount_minor, currency, method, due_at, reference,
    action_url, reason)
  WHERE payments.order_id = row.order_id`
const BOOK = `
  INSERT INTO ledger_entries (transaction_id, payment_id, kind, account, debit_minor, credit_minor, currency, at)
  SELECT *, $8::timestamptz
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])`
const ENTRIES = `
  SELECT transaction_id AS "transactionId", kind, account, debit_minor AS "debitMinor", credit_minor AS "creditMinor",
    ledger_entries.currency, at
  FROM ledger_entries JOIN payments USING (payment_id) WHERE order_id = $1 ORDER BY id`
const NEW_EVENT =
  'INSERT INTO provider_events (provider, event_id, handled_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING'

export const postgresPayments = ({ ids }: { ids: Ids }): PaymentStore => ({
  async open(tx, orderIds, now) {
    tx.write(OPEN, [orderIds.toSorted(), now]) // one order for all, so that no two wait for each other
  },
  async lock(tx, orderIds) {
    const rows = await tx.query<Row>(LOCK, [orderIds])
    return new Map(rows.map((row) => [row.order_id, paymentOf(row)]))
  },
  async save(tx, payments, now) {
    if (payments.length === 0) return
    const column = <T>(pick: (payment: Payment, terms: Flat) => T) =>
      payments.map(([, payment]) => pick(payment, flat(payment.money)))
    tx.write(SAVE, [
      payments.map(([orderId]) => orderId),
      column(({ orderSays }) => orderSays),
      column(({ money }) => money.status),
      column((_, { terms }) => terms?.paymentId ?? null),
      column((_, { terms }) => terms?.amount.minor ?? null),
      column((_, { terms }) => terms?.amount.currency ?? null),
      column((_, { terms }) => terms?.method ?? null),
      column((_, { terms }) => terms?.dueAt ?? null),
      column((_, { reference }) => reference ?? null),
      column((_, { actionUrl }) => actionUrl ?? null),
      column((_, { reason }) => reason ?? null),
      now,
    ])
  },
  async book(tx, bookings, now) {
    if (bookings.length === 0) return
    const entries = bookings.flatMap((booking) => entriesOf(booking, ids.next()))
    const column = <T>(pick: (entry: (typeof entries)[number]) => T) => entries.map(pick)
    tx.write(BOOK, [
      column(({ transactionId }) => transactionId),
      column(({ paymentId }) => paymentId),
      column(({ kind }) => kind),
      column(({ account }) => account),
      column(({ debitMinor }) => debitMinor),
      column(({ creditMinor }) => creditMinor),
      column(({ amount }) => amount.currency),
      now,
    ])
  },
})

export const postgresPaymentViews = (database: Database): PaymentViews => ({
  async find(orderId) {
    const [row] = await database.query<Row>(FIND, [orderId])
    return row && { payment: paymentOf(row), updatedAt: row.updated_at }
  },
  async entries(orderId) {
    const rows = await database.query<LedgerEntry & { debitMinor: string; creditMinor: string }>(ENTRIES, [orderId])
    return rows.map((row) => ({ ...row, debitMinor: Number(row.debitMinor), creditMinor: Number(row.creditMinor) }))
  },
})

export const postgresProviderEvents: ProviderEvents = {
  isNew: async (tx, { provider, eventId, at }) => (await tx.execute(NEW_EVENT, [provider, eventId, at])) === 1,
}

/** What we are owed by the provider grows by a sale and shrinks by its refund. */
function entriesOf(booking: Booking, transactionId: string) {
  const { minor } = booking.amount
  const [debited, credited] =
    booking.kind === 'capture' ? ['provider-clearing', 'revenue'] : ['revenue', 'provider-clearing']
  return [
    { ...booking, transactionId, account: debited, debitMinor: minor, creditMinor: 0 },
    { ...booking, transactionId, account: credited, debitMinor: 0, creditMinor: minor },
  ]
}

interface Flat {
  readonly status: MoneyState['status']
  readonly terms?: Terms
  readonly reference?: string
  readonly actionUrl?: string
  readonly reason?: string
}

const flat = (money: MoneyState): Flat => money

function paymentOf(row: Row): Payment {
  return { orderSays: row.order_says, money: moneyOf(row) }
}

function moneyOf(row: Row): MoneyState {
  const { status, reference } = row
  if (status === 'none') return { status }
  const terms = {
    paymentId: row.payment_id,
    amount: { minor: Number(row.amount_minor), currency: row.currency },
    method: row.method,
    dueAt: row.due_at,
  }
  switch (status) {
    case 'requested':
      return { status, terms }
    case 'action-required':
      return { status, terms, reference, actionUrl: row.action_url }
    case 'pending':
      return { status, terms, reference }
    case 'declined':
      return { status, terms, reference, reason: row.reason }
    default:
      return { status: status satisfies HeldStatus, terms, reference }
  }
}
