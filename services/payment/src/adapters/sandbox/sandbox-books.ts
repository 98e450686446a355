import type { Money } from '@micromart/kernel/money'
import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { Authorization, Move } from '../../ports.ts'
import type { Plan } from './sandbox-methods.ts'

/** A payment as the provider keeps it. */
export interface SandboxPayment {
  readonly key: string
  readonly reference: string
  readonly orderId: string
  readonly amount: Money
  readonly method: string
  readonly status: 'action-required' | 'pending' | 'authorized' | 'declined' | 'captured' | 'voided' | 'refunded'
  readonly reason: string | null
}

export interface NewPayment extends Authorization {
  readonly reference: string
  readonly plan: Plan
}

export interface Outcome {
  readonly key: string
  readonly outcome: 'authorized' | 'declined'
  readonly reason?: string
}

const COLUMNS = 'key, reference, order_id, amount_minor, currency, method, status, reason'
const BOOK_AUTHORIZED = `
  INSERT INTO sandbox_ledger (reference, kind, idempotency_key, minor, currency, at)
  SELECT reference, 'authorize', 'authorize:' || key, amount_minor, currency, updated_at FROM written WHERE status = 'authorized'`
const RECORD = `
  WITH written AS (
    INSERT INTO sandbox_payments (key, reference, order_id, amount_minor, currency, method, status, reason, created_at, updated_at)
    SELECT *, $9::timestamptz, $9::timestamptz
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])
    ON CONFLICT (key) DO NOTHING
    RETURNING ${COLUMNS}, updated_at
  ), booked AS (${BOOK_AUTHORIZED})
  SELECT ${COLUMNS} FROM written`
const CONCLUDE = `
  WITH written AS (
    UPDATE sandbox_payments SET status = row.outcome, reason = row.reason, updated_at = $4::timestamptz
    FROM unnest($1::text[], $2::text[], $3::text[]) AS row (key, outcome, reason)
    WHERE sandbox_payments.key = row.key AND sandbox_payments.status IN ('action-required', 'pending')
    RETURNING sandbox_payments.key, reference, order_id, amount_minor, currency, method, status, sandbox_payments.reason, updated_at
  ), booked AS (${BOOK_AUTHORIZED})
  SELECT ${COLUMNS} FROM written`
const MOVE = `
  WITH moved AS (
    UPDATE sandbox_payments SET status = $5::text, updated_at = $8::timestamptz
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS row (key, reference, minor, currency)
    WHERE sandbox_payments.key = row.key AND sandbox_payments.reference = row.reference AND amount_minor = row.minor
      AND sandbox_payments.currency = row.currency AND status = $6::text
    RETURNING sandbox_payments.key, sandbox_payments.reference, amount_minor, sandbox_payments.currency
  )
  INSERT INTO sandbox_ledger (reference, kind, idempotency_key, minor, currency, at)
  SELECT reference, $7::text, $7::text || ':' || key, amount_minor, currency, $8::timestamptz FROM moved
  RETURNING idempotency_key`
const MOVED = 'SELECT idempotency_key FROM sandbox_ledger WHERE idempotency_key = ANY ($1::text[])'
const FIND = `SELECT ${COLUMNS} FROM sandbox_payments WHERE key = ANY ($1::text[])`
const FIND_ACTION = `SELECT ${COLUMNS} FROM sandbox_payments WHERE reference = $1 AND method = 'sandbox:action'`

/** Records new payments, each with what the plan says; keys that are known already keep what they have. */
export async function recordPayments(
  tx: Transaction,
  asked: readonly NewPayment[],
  now: Date,
): Promise<readonly SandboxPayment[]> {
  const column = <T>(pick: (payment: NewPayment) => T) => asked.map(pick)
  const rows = await tx.query<Row>(RECORD, [
    column(({ key }) => key),
    column(({ reference }) => reference),
    column(({ orderId }) => orderId),
    column(({ amount }) => amount.minor),
    column(({ amount }) => amount.currency),
    column(({ method }) => method),
    column(({ plan }) => plan.status),
    column(({ plan }) => plan.reason ?? null),
    now,
  ])
  return rows.map(paymentOf)
}

/** Decides payments that are still open. @returns those that were */
export async function concludePayments(
  tx: Transaction,
  outcomes: readonly Outcome[],
  now: Date,
): Promise<readonly SandboxPayment[]> {
  const rows = await tx.query<Row>(CONCLUDE, [
    outcomes.map(({ key }) => key),
    outcomes.map(({ outcome }) => outcome),
    outcomes.map(({ reason }) => reason ?? null),
    now,
  ])
  return rows.map(paymentOf)
}

const moves = {
  capture: { from: 'authorized', to: 'captured' },
  void: { from: 'authorized', to: 'voided' },
  refund: { from: 'captured', to: 'refunded' },
} as const
export type MoveKind = keyof typeof moves

/** Moves money once per key; a move that cannot be made is an `Error` in its place. */
export async function moveMoney(
  db: Queryable,
  kind: MoveKind,
  { asked, now }: { asked: readonly Move[]; now: Date },
): Promise<readonly (undefined | Error)[]> {
  const { from, to } = moves[kind]
  const idempotencyKey = ({ key }: Move) => `${kind}:${key}`
  const moved = await db.query<{ idempotency_key: string }>(MOVE, [
    asked.map(({ key }) => key),
    asked.map(({ reference }) => reference),
    asked.map(({ amount }) => amount.minor),
    asked.map(({ amount }) => amount.currency),
    to,
    from,
    kind,
    now,
  ])
  const done = new Set(moved.map(({ idempotency_key }) => idempotency_key))
  const others = asked.map(idempotencyKey).filter((key) => !done.has(key))
  const before = others.length > 0 ? await db.query<{ idempotency_key: string }>(MOVED, [others]) : []
  for (const { idempotency_key } of before) done.add(idempotency_key)
  return asked.map((move) =>
    done.has(idempotencyKey(move)) ? undefined : new Error(`The sandbox refuses to ${kind} payment ${move.key}`),
  )
}

export async function findPayments(db: Queryable, keys: readonly string[]): Promise<readonly SandboxPayment[]> {
  return (await db.query<Row>(FIND, [keys])).map(paymentOf)
}

export async function findAction(db: Queryable, reference: string): Promise<SandboxPayment | undefined> {
  return (await db.query<Row>(FIND_ACTION, [reference])).map(paymentOf)[0]
}

interface Row {
  readonly key: string
  readonly reference: string
  readonly order_id: string
  readonly amount_minor: string
  readonly currency: string
  readonly method: string
  readonly status: SandboxPayment['status']
  readonly reason: string | null
}

const paymentOf = ({ order_id, amount_minor, currency, ...row }: Row): SandboxPayment => ({
  ...row,
  orderId: order_id,
  amount: { minor: Number(amount_minor), currency },
})
