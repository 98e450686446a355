import type { Database } from '@micromart/postgres/database'
import type { Contact, Contacts } from '../account-ports.ts'

const FIND = `
  SELECT users.name, coalesce(closed_accounts.email, users.email) AS email, email_verified_at IS NOT NULL AS "emailVerified"
  FROM users LEFT JOIN closed_accounts ON closed_accounts.user_id = users.id
  WHERE users.id = $1`

export const postgresContacts = (database: Database): Contacts => ({
  find: async (userId) => (await database.query<Contact>(FIND, [userId]))[0],
})
