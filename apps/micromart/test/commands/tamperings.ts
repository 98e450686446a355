import type { DatabaseName } from '../../src/start/databases.ts'

/** One thing out of order in one book, how to put it back, and which invariants must notice it. */
export interface Tampering {
  readonly what: string
  readonly database: DatabaseName
  readonly spoil: string
  readonly mend: string
  readonly broken: readonly string[]
}

const shelf = (change: string) => `UPDATE stock SET on_hand = on_hand ${change} WHERE sku LIKE 'TEST-%'`
const captured = (change: string) => `UPDATE sandbox_ledger SET minor = minor ${change} WHERE kind = 'capture'`
const charged = (change: string) => `UPDATE sandbox_payments SET amount_minor = amount_minor ${change}`
const orders = (from: string, to: string) => `UPDATE order_view SET status = '${to}' WHERE status = '${from}'`
const published = (at: string) => `UPDATE outbox SET published_at = ${at}, available_at = 'infinity'`
const ALIEN = 'ffffffff-ffff-7fff-bfff-ffffffffffff'

const audited = (change: string) =>
  `ALTER TABLE audit_log DISABLE TRIGGER audit_append_only; ${change}; ALTER TABLE audit_log ENABLE TRIGGER audit_append_only`
const moveRow = (from: string, to: string) => `UPDATE audit_log SET sequence = ${to} WHERE sequence = ${from}`
const LAST = '(SELECT max(sequence) FROM audit_log)'
const cutAudit = (which: string) => ({
  spoil: audited(
    `CREATE TABLE cut_off AS SELECT * FROM audit_log WHERE sequence = ${which}; DELETE FROM audit_log WHERE sequence = ${which}`,
  ),
  mend: 'INSERT INTO audit_log SELECT * FROM cut_off; DROP TABLE cut_off',
})

const captures = (offset: string) =>
  `INSERT INTO event_log SELECT stream_id, version ${offset}, type, data, at, causation_id, correlation_id, traceparent
   FROM event_log WHERE type = 'PaymentCaptured' AND version = (SELECT max(version) FROM event_log last WHERE last.stream_id = event_log.stream_id)`

export const tamperings: readonly Tampering[] = [
  {
    what: 'a coupon used more often than it was counted',
    database: 'cart',
    spoil: 'UPDATE coupons SET uses = uses - 1',
    mend: 'UPDATE coupons SET uses = uses + 1',
    broken: ['I9'],
  },
  {
    what: 'a use of a coupon that was given back though its order stands',
    database: 'cart',
    spoil: 'UPDATE coupon_uses SET given_back_at = now(); UPDATE coupons SET uses = uses - 1',
    mend: 'UPDATE coupon_uses SET given_back_at = NULL; UPDATE coupons SET uses = uses + 1',
    broken: ['I9'],
  },
  {
    what: 'a view that forgets the coupon',
    database: 'order',
    spoil: 'UPDATE order_view SET coupon_code = lower(coupon_code)',
    mend: 'UPDATE order_view SET coupon_code = upper(coupon_code)',
    broken: ['I6', 'I7'],
  },
  {
    what: 'an event that one message has left twice',
    database: 'order',
    spoil: captures('+ 1'),
    mend: `DELETE FROM event_log later USING event_log first WHERE later.stream_id = first.stream_id AND later.type = first.type
      AND later.causation_id = first.causation_id AND later.version > first.version`,
    broken: ['I5', 'I7', 'I12'],
  },
  {
    what: 'a piece more on the shelf',
    database: 'inventory',
    spoil: shelf('+ 1'),
    mend: shelf('- 1'),
    broken: ['I1', 'I7'],
  },
  {
    what: 'a captured cent more at the provider',
    database: 'sandbox',
    spoil: captured('+ 1'),
    mend: captured('- 1'),
    broken: ['I2'],
  },
  {
    what: 'an order that never ends',
    database: 'order',
    spoil: orders('confirmed', 'placed'),
    mend: orders('placed', 'confirmed'),
    broken: ['I2', 'I3', 'I7', 'I10'],
  },
  {
    what: 'a key that was answered with the order of another',
    database: 'cart',
    spoil: `
      INSERT INTO idempotency_keys (caller, route, key, request_hash, status, headers, body, created_at)
      SELECT caller, route, 'another', request_hash, status, headers, body, created_at
      FROM idempotency_keys WHERE route LIKE '%/checkout' LIMIT 1`,
    mend: `DELETE FROM idempotency_keys WHERE key = 'another'`,
    broken: ['I4'],
  },
  {
    what: 'a message that was never published',
    database: 'cart',
    spoil: published('NULL'),
    mend: published('now()'),
    broken: ['I5'],
  },
  {
    what: 'a broadcast that was never published',
    database: 'product',
    spoil: published('NULL'),
    mend: published('now()'),
    broken: ['I5'],
  },
  {
    what: 'an effect without a message',
    database: 'analytics',
    spoil: `INSERT INTO inbox VALUES ('analytics', '${ALIEN}', 'micromart.order.confirmed.v1', now())`,
    mend: `DELETE FROM inbox WHERE message_id = '${ALIEN}'`,
    broken: ['I5'],
  },
  {
    what: 'a message that one of its subscribers never handled',
    database: 'notification',
    spoil: `UPDATE inbox SET consumer = 'nobody'`,
    mend: `UPDATE inbox SET consumer = 'notification'`,
    broken: ['I5'],
  },
  {
    what: 'a coupon that takes off more than it did',
    database: 'cart',
    spoil: `UPDATE coupons SET percent = percent + 1`,
    mend: `UPDATE coupons SET percent = percent - 1`,
    broken: ['I6'],
  },
  {
    what: 'a total of the order that forgets the discount',
    database: 'order',
    spoil: `UPDATE order_view SET discount_minor = 0 WHERE coupon_code IS NOT NULL`,
    mend: `UPDATE order_view SET discount_minor = 250 WHERE coupon_code IS NOT NULL`,
    broken: ['I6', 'I7'],
  },
  {
    what: 'a charge that is not the total',
    database: 'sandbox',
    spoil: charged('+ 1'),
    mend: charged('- 1'),
    broken: ['I6'],
  },
  {
    what: 'a view that says another reason than the log',
    database: 'order',
    spoil: `UPDATE order_view SET reason = 'out-of-stock' WHERE reason = 'customer'`,
    mend: `UPDATE order_view SET reason = 'customer' WHERE reason = 'out-of-stock'`,
    broken: ['I7'],
  },
  {
    what: 'a log with a hole',
    database: 'order',
    spoil: `UPDATE event_log SET version = version + 100 WHERE type = 'PaymentCaptured'`,
    mend: `UPDATE event_log SET version = version - 100 WHERE type = 'PaymentCaptured'`,
    broken: ['I7', 'I12'],
  },
  {
    what: 'a payment that says it was never captured',
    database: 'payment',
    spoil: `UPDATE payments SET status = 'voided' WHERE status = 'captured'`,
    mend: `UPDATE payments SET status = 'captured' WHERE status = 'voided'`,
    broken: ['I7'],
  },
  {
    what: 'a cent more in the sales',
    database: 'analytics',
    spoil: 'UPDATE sales SET total_minor = total_minor + 1',
    mend: 'UPDATE sales SET total_minor = total_minor - 1',
    broken: ['I7'],
  },
  {
    what: 'an audit row that was edited',
    database: 'inventory',
    spoil: audited(`UPDATE audit_log SET actor = 'x' || actor WHERE sequence = 2`),
    mend: audited('UPDATE audit_log SET actor = substr(actor, 2) WHERE sequence = 2'),
    broken: ['I8'],
  },
  { what: 'an audit row that was deleted', database: 'inventory', ...cutAudit('2'), broken: ['I8'] },
  { what: 'the last audit row cut off', database: 'inventory', ...cutAudit(LAST), broken: ['I8'] },
  {
    what: 'an audit row slipped in',
    database: 'inventory',
    spoil: `
      INSERT INTO audit_log SELECT sequence + 1, at, actor, action, subject, details, previous_hash, hash
      FROM audit_log WHERE sequence = ${LAST}`,
    mend: audited(`DELETE FROM audit_log WHERE sequence = ${LAST}`),
    broken: ['I8'],
  },
  {
    what: 'two audit rows that changed places',
    database: 'inventory',
    spoil: audited([moveRow('1', '999'), moveRow('2', '1'), moveRow('999', '2')].join('; ')),
    mend: audited([moveRow('1', '999'), moveRow('2', '1'), moveRow('999', '2')].join('; ')),
    broken: ['I8'],
  },
  {
    what: 'an audit log that was taken away',
    database: 'product',
    spoil: 'ALTER TABLE audit_log RENAME TO nowhere',
    mend: 'ALTER TABLE nowhere RENAME TO audit_log',
    broken: ['I8'],
  },
  {
    what: 'acknowledged lines that are gone from a cart',
    database: 'cart',
    spoil: `
      CREATE TABLE as_it_was AS SELECT id, lines FROM carts;
      UPDATE carts SET lines = '[]' WHERE status = 'open'`,
    mend: `
      UPDATE carts SET lines = as_it_was.lines FROM as_it_was WHERE carts.id = as_it_was.id;
      DROP TABLE as_it_was`,
    broken: ['I10'],
  },
  {
    what: 'an acknowledged adjustment that nobody finds again',
    database: 'inventory',
    spoil: `UPDATE movements SET reason = reason || '!' WHERE kind = 'adjustment'`,
    mend: `UPDATE movements SET reason = trim(trailing '!' FROM reason) WHERE kind = 'adjustment'`,
    broken: ['I10'],
  },
  {
    what: 'a view that is ahead of its log',
    database: 'order',
    spoil: 'UPDATE order_view SET version = version + 1',
    mend: 'UPDATE order_view SET version = version - 1',
    broken: ['I7', 'I12'],
  },
  {
    what: 'a cart that never heard of its order',
    database: 'cart',
    spoil: `UPDATE carts SET status = 'checked-out' WHERE status = 'ordered'`,
    mend: `UPDATE carts SET status = 'ordered' WHERE status = 'checked-out'`,
    broken: ['I12'],
  },
  {
    what: 'a mail that was never handed over',
    database: 'notification',
    spoil: `UPDATE mailbox SET id = 'x' || id`,
    mend: 'UPDATE mailbox SET id = substr(id, 2)',
    broken: ['I12'],
  },
  {
    what: 'a mail about an account that was never handed over',
    database: 'notification',
    spoil: `UPDATE mailbox SET id = 'x' || id WHERE order_id IS NULL`,
    mend: 'UPDATE mailbox SET id = substr(id, 2) WHERE order_id IS NULL',
    broken: ['I12'],
  },
  {
    what: 'a mail about an account that still waits',
    database: 'notification',
    spoil: `UPDATE account_emails SET status = 'waiting', settled_at = NULL`,
    mend: `UPDATE account_emails SET status = 'sent', settled_at = created_at`,
    broken: ['I12'],
  },
  {
    what: 'a mail without a cause',
    database: 'notification',
    spoil: `
      INSERT INTO emails (id, order_id, template, status, reason, created_at, settled_at)
      VALUES ('order-confirmed:${ALIEN}', '${ALIEN}', 'order-confirmed', 'undeliverable', 'no-contact', now(), now())`,
    mend: `DELETE FROM emails WHERE order_id = '${ALIEN}'`,
    broken: ['I12'],
  },
  {
    what: 'a mail that still waits',
    database: 'notification',
    spoil: `UPDATE emails SET status = 'waiting', settled_at = NULL`,
    mend: `UPDATE emails SET status = 'sent', settled_at = created_at`,
    broken: ['I12'],
  },
]
