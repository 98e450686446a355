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

export const tamperings: readonly Tampering[] = [
  {
    what: 'a piece more on the shelf',
    database: 'inventory',
    spoil: shelf('+ 1'),
    mend: shelf('- 1'),
    broken: ['I1'],
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
    broken: ['I2', 'I3'],
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
    broken: ['I6'],
  },
  {
    what: 'a charge that is not the total',
    database: 'sandbox',
    spoil: charged('+ 1'),
    mend: charged('- 1'),
    broken: ['I6'],
  },
]
