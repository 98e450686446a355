import type { ClosedAccounts } from '../account-ports.ts'

const LOCK_BY_EMAIL = `
  SELECT users.id, closed_accounts.email FROM closed_accounts JOIN users ON users.id = closed_accounts.user_id
  WHERE closed_accounts.email = $1 ORDER BY users.id FOR UPDATE OF users`
const LOCK = `SELECT CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END AS state FROM users WHERE id = $1 FOR UPDATE`

export const postgresClosedAccounts: ClosedAccounts = {
  lockByEmail: (tx, email) => tx.query(LOCK_BY_EMAIL, [email]),
  lock: async (tx, id) => (await tx.query<{ state: 'open' | 'closed' }>(LOCK, [id]))[0]?.state,
}
