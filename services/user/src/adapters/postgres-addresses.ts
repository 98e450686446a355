import type { Clock } from '@micromart/kernel/clock'
import type { AddressBook, SavedAddress } from '../account-ports.ts'

const LIST = `
  SELECT addresses.id, addresses.name, line1, line2, city, region, postal_code AS "postalCode", country, addresses.version,
    coalesce(default_shipping_id = addresses.id, false) AS "isDefaultShipping",
    coalesce(default_billing_id = addresses.id, false) AS "isDefaultBilling"
  FROM addresses JOIN users ON users.id = addresses.user_id
  WHERE user_id = $1 AND closed_at IS NULL
  ORDER BY addresses.id`
const ADD = `
  INSERT INTO addresses (id, user_id, name, line1, line2, city, region, postal_code, country, version, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10)`
const REPLACE = `
  UPDATE addresses SET name = $2, line1 = $3, line2 = $4, city = $5, region = $6, postal_code = $7, country = $8, version = version + 1
  WHERE id = $1`
const REMOVE = 'DELETE FROM addresses WHERE id = $1'
const SET_SHIPPING = 'UPDATE users SET default_shipping_id = $2 WHERE id = $1'
const SET_BILLING = 'UPDATE users SET default_billing_id = $2 WHERE id = $1'

export const postgresAddresses = ({ clock }: { clock: Clock }): AddressBook => ({
  list: (db, userId) => db.query<SavedAddress>(LIST, [userId]),
  add: (tx, { id, userId, name, line1, line2, city, region, postalCode, country }) =>
    tx.write(ADD, [id, userId, name, line1, line2, city, region, postalCode, country, clock.now()]),
  replace: (tx, { id, name, line1, line2, city, region, postalCode, country }) =>
    tx.write(REPLACE, [id, name, line1, line2, city, region, postalCode, country]),
  remove: (tx, id) => tx.write(REMOVE, [id]),
  setDefaults: (tx, userId, { shippingId, billingId }) => {
    if (shippingId !== undefined) tx.write(SET_SHIPPING, [userId, shippingId])
    if (billingId !== undefined) tx.write(SET_BILLING, [userId, billingId])
  },
})
