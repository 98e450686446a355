import { createHash } from 'node:crypto'
import { type BookName, type Books, isMissingTable } from './books.ts'
import { type Finding, finding } from './finding.ts'

interface AuditRow {
  readonly sequence: string
  readonly at: Date
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly details: unknown
  readonly previous_hash: string
  readonly hash: string
}

interface Link {
  readonly sequence: number
  readonly hash: string
}

interface Followed {
  readonly name: BookName
  readonly rows: number
  readonly end: Link
  readonly violations: readonly string[]
}

/** Every service has a chain, those without staff an empty one. */
const chained: readonly BookName[] = [
  ...(['user', 'product', 'inventory', 'cart', 'order', 'payment', 'notification', 'analytics'] as const),
]

const CHAIN = `
  SELECT sequence::text AS sequence, at, actor, action, subject, details, previous_hash, hash FROM audit_log ORDER BY audit_log.sequence`
const HEAD = 'SELECT sequence::text AS sequence, hash FROM audit_head'
const START: Link = { sequence: 0, hash: '0'.repeat(64) }

/**
 * I8: the audit chain is unbroken: a row that was edited, deleted, slipped in or moved is found. Somebody who may write the whole database
 * can cut the end off and move the head back, or forge a chain from some row on: that shows only against an end that was noted elsewhere,
 * so the ends are told.
 */
export async function checkAudit(books: Books): Promise<Finding> {
  const chains = []
  for (const name of chained) chains.push(await followChain(books, name))
  return finding('I8', 'the audit chains are unbroken', {
    counts: { chains: chains.length, rows: chains.reduce((sum, { rows }) => sum + rows, 0) },
    violations: chains.flatMap(({ violations }) => violations),
    remarks: chains
      .filter(({ rows }) => rows > 0)
      .map(({ name, end }) => `${name} ends with row ${end.sequence}, ${end.hash}: note it elsewhere`),
  })
}

async function followChain(books: Books, name: BookName): Promise<Followed> {
  try {
    return await follow(books, name)
  } catch (error) {
    if (!isMissingTable(error)) throw error
    const violations = [`${name}: there is no audit log; a shop of an older version makes it when it starts`]
    return { name, rows: 0, end: START, violations }
  }
}

async function follow(books: Books, name: BookName): Promise<Followed> {
  const rows = await books.read<AuditRow>(name, CHAIN)
  const [head] = await books.read<{ sequence: string; hash: string }>(name, HEAD)
  const violations: string[] = []
  let end = START
  for (const row of rows) {
    violations.push(...judgeRow(row, end).map((sentence) => `${name}: ${sentence}`))
    end = { sequence: Number(row.sequence), hash: row.hash }
  }
  if (!head) violations.push(`${name}: the head of the audit chain is gone`)
  else if (Number(head.sequence) !== end.sequence || head.hash !== end.hash)
    violations.push(`${name}: the audit chain ends with row ${end.sequence}, its head says ${head.sequence}`)
  return { name, rows: rows.length, end, violations }
}

function judgeRow(row: AuditRow, before: Link): readonly string[] {
  const what = `audit row ${row.sequence} (${row.action})`
  return [
    Number(row.sequence) === before.sequence + 1 ? '' : `${what} follows row ${before.sequence}: there is a gap`,
    row.previous_hash === before.hash ? '' : `${what} does not continue row ${before.sequence}`,
    row.hash === hashOf(row) ? '' : `${what} is not what was written`,
  ].filter((sentence) => sentence !== '')
}

function hashOf({ previous_hash, sequence, at, actor, action, subject, details }: AuditRow): string {
  const fields = [previous_hash, Number(sequence), at.toISOString(), actor, action, subject, details]
  return createHash('sha256').update(spell(fields)).digest('hex')
}

/** JSON without blanks, names sorted: the encoding that the chain is defined by. */
function spell(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spell).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const names = Object.keys(value).sort()
  const fields = value as Readonly<Record<string, unknown>>
  return `{${names.map((name) => `${JSON.stringify(name)}:${spell(fields[name])}`).join(',')}}`
}
