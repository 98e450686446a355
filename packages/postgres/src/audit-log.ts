import { createHash } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'
import type { Transaction } from './database.ts'

export type AuditValue =
  | string
  | number
  | boolean
  | null
  | readonly AuditValue[]
  | { readonly [name: string]: AuditValue }

/** Something that a person of the shop did. */
export interface AuditEntry {
  /** Who, as an identifier: a user's id, or `operator:name` for somebody at the machine itself. */
  readonly actor: string
  /** `inventory.adjusted`: owner and what was done, in the past tense. */
  readonly action: string
  /** What it was done to. */
  readonly subject: string
  /** Nothing personal, no secret and no free text: it can never be removed again. */
  readonly details: { readonly [name: string]: AuditValue }
}

export interface AuditLog {
  /**
   * Appends to the chain of this database in the transaction of the effect. Append last: from here on until the commit no one else can.
   */
  append(tx: Transaction, entry: AuditEntry): Promise<void>
}

const LOCK_HEAD = 'SELECT sequence::text AS sequence, hash FROM audit_head FOR UPDATE'
const APPEND = `
  INSERT INTO audit_log (sequence, at, actor, action, subject, details, previous_hash, hash)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
const MOVE_HEAD = 'UPDATE audit_head SET sequence = $1, hash = $2'

/** A hash-chained log: the hash of a row is SHA-256 over the JSON array of the hash before it and of all its fields. */
export const createAuditLog = ({ clock }: { clock: Clock }): AuditLog => ({
  append: async (tx, { actor, action, subject, details }) => {
    const [head] = await tx.query<{ sequence: string; hash: string }>(LOCK_HEAD)
    if (!head) throw new Error('The audit log has no head')
    const sequence = Number(head.sequence) + 1
    const at = clock.now()
    const sorted = sortKeys(details)
    const fields = [head.hash, sequence, at.toISOString(), actor, action, subject, sorted]
    const hash = createHash('sha256').update(JSON.stringify(fields)).digest('hex')
    tx.write(APPEND, [sequence, at, actor, action, subject, JSON.stringify(sorted), head.hash, hash])
    tx.write(MOVE_HEAD, [sequence, hash])
  },
})

/** One spelling for the same details: names in the order of their UTF-16 units (as RFC 8785 has it). */
function sortKeys(value: AuditValue): AuditValue {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value as { readonly [name: string]: AuditValue })
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, sortKeys(inner)]),
  )
}
