import type { ErasureReport } from '@micromart/contracts/personal-data'
import type { Database } from '@micromart/postgres/database'
import type { Erasures, Receipt } from '../privacy-ports.ts'

const ADD = `
  INSERT INTO erasures (id, receipt_hash, user_id, status, requested_at) VALUES ($1, $2, $3, 'waiting', $4)
  ON CONFLICT (user_id) DO NOTHING`
const NOTE_ASKED = `UPDATE erasures SET status = 'asked' WHERE id = $1 AND status = 'waiting'`
const LOCK = 'SELECT user_id AS "userId" FROM erasures WHERE id = $1 FOR UPDATE'
const ADD_REPORT = `
  INSERT INTO erasure_reports (erasure_id, keeper, report, reported_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
const REPORTED = 'SELECT keeper FROM erasure_reports WHERE erasure_id = $1'
const FINISH = `UPDATE erasures SET status = 'done', user_id = NULL, finished_at = $2 WHERE id = $1`
const FIND = `
  SELECT id, status, requested_at AS "requestedAt", finished_at AS "finishedAt" FROM erasures WHERE receipt_hash = $1`
const REPORTS = `
  SELECT keeper AS service, report, reported_at AS "reportedAt" FROM erasure_reports WHERE erasure_id = $1 ORDER BY keeper`

interface ReportRow {
  readonly service: string
  readonly report: ErasureReport
  readonly reportedAt: Date
}

export const postgresErasures = (database: Database): Erasures => ({
  add: async (tx, { id, receiptHash, userId, requestedAt }) =>
    (await tx.execute(ADD, [id, receiptHash, userId, requestedAt])) === 1,
  noteAsked: async (tx, id) => (await tx.execute(NOTE_ASKED, [id])) === 1,
  lock: async (tx, id) => (await tx.query<{ userId: string | null }>(LOCK, [id]))[0]?.userId ?? undefined,
  report: async (tx, { id, service, report, at }) => {
    await tx.execute(ADD_REPORT, [id, service, JSON.stringify(report), at])
    return (await tx.query<{ keeper: string }>(REPORTED, [id])).map(({ keeper }) => keeper)
  },
  finish: async (tx, id, at) => void (await tx.execute(FINISH, [id, at])),
  findReceipt: async (receiptHash) => {
    const [found] = await database.query<Omit<Receipt, 'parts'> & { id: string }>(FIND, [receiptHash])
    if (!found) return undefined
    const { id, ...receipt } = found
    const reports = await database.query<ReportRow>(REPORTS, [id])
    return { ...receipt, parts: reports.map(({ report, ...part }) => ({ ...part, ...report })) }
  },
})
