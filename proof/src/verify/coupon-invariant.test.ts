import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createTestDatabase } from '@micromart/testkit/test-database'
import { Client } from 'pg'
import { type BookName, type Books, bookNames, openBooks } from './books.ts'
import { checkCoupons } from './coupon-invariant.ts'

/** As much of the carts' and the orders' tables as the checker reads, in one database. */
const SCHEMA = `
  CREATE TABLE coupons (code text PRIMARY KEY, most_uses int, most_uses_per_customer int, uses int NOT NULL);
  CREATE TABLE coupon_uses (order_id uuid PRIMARY KEY, code text NOT NULL, customer text NOT NULL, discount_minor bigint NOT NULL,
    given_back_at timestamptz);
  CREATE TABLE checkouts (order_id uuid PRIMARY KEY, coupon_code text, discount_minor bigint NOT NULL);
  CREATE TABLE order_view (order_id uuid PRIMARY KEY, status text NOT NULL)`
const [FIRST, SECOND, OFF] = [randomUUID(), randomUUID(), randomUUID()]
const SOUND = `
  INSERT INTO coupons VALUES ('TEN', 2, 1, 2), ('FREE', NULL, NULL, 0);
  INSERT INTO coupon_uses VALUES ('${FIRST}', 'TEN', 'ada', 100, NULL), ('${SECOND}', 'TEN', 'bob', 100, NULL),
    ('${OFF}', 'TEN', 'ada', 100, now());
  INSERT INTO checkouts VALUES ('${FIRST}', 'TEN', 100), ('${SECOND}', 'TEN', 100), ('${OFF}', 'TEN', 100), ('${randomUUID()}', NULL, 0);
  INSERT INTO order_view VALUES ('${FIRST}', 'confirmed'), ('${SECOND}', 'placed'), ('${OFF}', 'cancelled')`

describe('I9: coupons', () => {
  let client: Client
  let books: Books
  let drop: () => Promise<void>
  before(async () => {
    const database = await createTestDatabase()
    drop = database.drop
    client = new Client({ connectionString: database.url })
    await client.connect()
    await client.query(SCHEMA)
    await client.query(SOUND)
    books = openBooks(Object.fromEntries(bookNames.map((name) => [name, database.url])) as Record<BookName, string>)
  })
  after(async () => {
    await books?.close()
    await client?.end()
    await drop?.()
  })

  test('uses within the limits pass', async () => {
    const { state, counts, violations } = await checkCoupons(books)
    assert.deepEqual([state, violations], ['ok', []])
    assert.deepEqual(counts, { coupons: 2, uses: 3, givenBack: 1, violations: 0 })
  })

  const spoilt: readonly (readonly [string, string, RegExp])[] = [
    ['one use more than may be', 'UPDATE coupons SET most_uses = 1', /used 2 times of 1$/],
    ['a counter that is wrong', `UPDATE coupons SET uses = 1 WHERE code = 'TEN'`, /used 2 times, its counter says 1$/],
    ['one customer twice', `UPDATE coupon_uses SET customer = 'ada'`, /used 2 times by one customer, who may 1 times$/],
    [
      'a use without a checkout',
      `DELETE FROM checkouts WHERE order_id = '${SECOND}'`,
      /was not checked out with its discount/,
    ],
    ['another discount', `UPDATE checkouts SET discount_minor = 99 WHERE order_id = '${SECOND}'`, /discount of 100$/],
    [
      'a discount without a use',
      `INSERT INTO checkouts VALUES ('${randomUUID()}', 'TEN', 5)`,
      /without having used it$/,
    ],
    [
      'an order that is off and kept its use',
      `UPDATE order_view SET status = 'refunded' WHERE order_id = '${SECOND}'`,
      /was not given back$/,
    ],
    [
      'a confirmed order that gave it back',
      `UPDATE coupon_uses SET given_back_at = now() WHERE order_id = '${FIRST}'`,
      /was given back$/,
    ],
  ]
  for (const [what, spoil, sentence] of spoilt)
    test(`${what} is found`, async () => {
      await client.query(spoil)
      const { state, violations } = await checkCoupons(books)
      await client.query('TRUNCATE coupons, coupon_uses, checkouts, order_view')
      await client.query(SOUND)
      assert.equal(state, 'violated')
      assert.match(violations.join('\n'), new RegExp(sentence.source, 'm'))
    })
})
