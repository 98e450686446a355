import type { Database } from '@micromart/postgres/database'
import type { SecurityEvent, SecurityLog } from '../ports.ts'

const COLUMNS = 'sequence::text AS sequence, at, actor, action, subject, details'

const ALL = `SELECT ${COLUMNS} FROM audit_log WHERE audit_log.sequence < $1 ORDER BY audit_log.sequence DESC LIMIT $2`
const ABOUT = `
  SELECT ${COLUMNS} FROM audit_log WHERE (subject = $3 OR actor = $3) AND audit_log.sequence < $1
  ORDER BY audit_log.sequence DESC LIMIT $2`

/** The hash-chained audit log of this service, read. */
export const postgresSecurityLog = (database: Database): SecurityLog => ({
  page: ({ before, limit, userId }) =>
    userId === undefined
      ? database.query<SecurityEvent>(ALL, [before, limit])
      : database.query<SecurityEvent>(ABOUT, [before, limit, userId]),
})
