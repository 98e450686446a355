import type { Transaction } from '@micromart/postgres/database'
import {
  type Decided,
  decide,
  type Level,
  noReservation,
  type Reservation,
  summedBySku,
} from '../domain/reservation.ts'
import type { OrderCommand, RunReservations, Stamp } from '../ports.ts'

type Row = Reservation & { readonly order_id: string }

// Without a row there is nothing to lock: the insert makes one, so that two processes never decide about one order at once.
const CLAIM = `
  INSERT INTO reservations (order_id, status, lines, updated_at)
  SELECT id, 'cancelled', '[]', $2 FROM unnest($1::uuid[]) AS row (id) ORDER BY id
  ON CONFLICT DO NOTHING RETURNING order_id`
const READ =
  'SELECT order_id, status, lines FROM reservations WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id FOR UPDATE'
const LOCK_STOCK =
  'SELECT sku, on_hand AS "onHand", reserved FROM stock WHERE sku = ANY ($1::text[]) ORDER BY sku FOR UPDATE'
const MOVE_STOCK = `
  UPDATE stock SET on_hand = stock.on_hand + row.on_hand, reserved = stock.reserved + row.reserved
  FROM unnest($1::text[], $2::int[], $3::int[]) AS row (sku, on_hand, reserved)
  WHERE stock.sku = row.sku AND stock.reserved + row.reserved BETWEEN 0 AND stock.on_hand + row.on_hand`
const WRITE = `
  UPDATE reservations SET status = row.status, lines = row.lines, expires_at = $4, updated_at = $5
  FROM unnest($1::uuid[], $2::text[], $3::json[]) AS row (order_id, status, lines)
  WHERE reservations.order_id = row.order_id`
const RECORD = `
  INSERT INTO movements (sku, kind, quantity, order_id, at)
  SELECT sku, kind, quantity, order_id, $5 FROM unnest($1::text[], $2::text[], $3::int[], $4::uuid[]) AS row (sku, kind, quantity, order_id)`

/**
 * Decides a batch of commands and writes all of it: reservations are locked in order-id order, then their stock in SKU order, then one
 * guarded statement moves the summed differences. If the guard disagrees with the decision the transaction fails.
 * @returns what to tell about each command, in the same order
 */
export const runReservations: RunReservations = async (tx, commands, stamp) => {
  const orderIds = [...new Set(commands.map(({ orderId }) => orderId))].sort()
  const claimed = await tx.query<{ order_id: string }>(CLAIM, [orderIds, stamp.now])
  const isNew = new Set(claimed.map(({ order_id }) => order_id))
  const rows = await tx.query<Row>(READ, [orderIds])
  const reservations = new Map<string, Reservation>(
    rows.map(({ order_id, status, lines }) => [order_id, isNew.has(order_id) ? noReservation : { status, lines }]),
  )
  const before = await lockStock(tx, commands, reservations)
  let levels: Decided['levels'] = before
  const movements: (Decided['movements'][number] & { orderId: string })[] = []
  const told = commands.map(({ orderId, command }) => {
    const decided = decide(command, reservations.get(orderId) ?? noReservation, levels)
    levels = decided.levels
    reservations.set(orderId, decided.reservation)
    movements.push(...decided.movements.map((movement) => ({ ...movement, orderId })))
    return decided.tell
  })
  await moveStock(tx, before, levels)
  await writeReservations(tx, reservations, stamp)
  await recordMovements(tx, movements, stamp.now)
  return told
}

async function lockStock(
  tx: Transaction,
  commands: readonly OrderCommand[],
  reservations: ReadonlyMap<string, Reservation>,
) {
  const wished = commands.flatMap(({ command }) => (command.type === 'Hold' ? summedBySku(command.lines) : []))
  const promised = [...reservations.values()].flatMap(({ lines }) => lines)
  const skus = [...new Set([...wished, ...promised].map(({ sku }) => sku))].sort()
  const rows = await tx.query<Level & { sku: string }>(LOCK_STOCK, [skus])
  return new Map(rows.map(({ sku, ...level }) => [sku, level]))
}

async function moveStock(tx: Transaction, before: Decided['levels'], after: Decided['levels']) {
  const moved = [...after].flatMap(([sku, level]) => {
    const was = before.get(sku) ?? { onHand: 0, reserved: 0 }
    const onHand = level.onHand - was.onHand
    const reserved = level.reserved - was.reserved
    return onHand === 0 && reserved === 0 ? [] : [{ sku, onHand, reserved }]
  })
  if (moved.length === 0) return
  const count = await tx.execute(MOVE_STOCK, [
    moved.map(({ sku }) => sku),
    moved.map(({ onHand }) => onHand),
    moved.map(({ reserved }) => reserved),
  ])
  if (count !== moved.length) throw new Error(`The guard let ${count} of ${moved.length} stock movements pass`)
}

async function writeReservations(
  tx: Transaction,
  reservations: ReadonlyMap<string, Reservation>,
  { now, expiresAt }: Stamp,
) {
  const known = [...reservations].filter(([, { status }]) => status !== 'none')
  tx.write(WRITE, [
    known.map(([orderId]) => orderId),
    known.map(([, { status }]) => status),
    known.map(([, { lines }]) => JSON.stringify(lines)),
    expiresAt,
    now,
  ])
}

async function recordMovements(
  tx: Transaction,
  movements: readonly (Decided['movements'][number] & { orderId: string })[],
  now: Date,
) {
  if (movements.length === 0) return
  tx.write(RECORD, [
    movements.map(({ sku }) => sku),
    movements.map(({ kind }) => kind),
    movements.map(({ kind, quantity }) => (kind === 'sale' ? -quantity : quantity)),
    movements.map(({ orderId }) => orderId),
    now,
  ])
}
