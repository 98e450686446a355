import type { Clock } from '@micromart/kernel/clock'
import { err, ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { Database, Transaction } from './database.ts'

/** What a write answers: everything that a repeat must get again, byte for byte. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The serialised body, empty for none. */
  readonly body: string
}

export interface IdempotencyKey {
  /** Who asks: a key is only unique for one caller on one route. */
  readonly caller: string
  /** Method and route pattern, such as `POST /api/v1/carts/:id/checkout`. */
  readonly route: string
  readonly key: string
  /** A digest of what was asked: another request under the same key is refused. */
  readonly requestHash: string
}

/**
 * Runs a write in one transaction together with the record of its answer (the header of draft-ietf-httpapi-idempotency-key-header).
 * The same key and request get the first answer again; another request is refused, and so is one while the first still runs.
 * A refused or failed write leaves no record, so an abandoned key is simply free again.
 */
export type IdempotentWrite = (
  key: IdempotencyKey | undefined,
  work: (tx: Transaction) => Promise<Result<Answer>>,
) => Promise<Result<Answer & { readonly replayed: boolean }>>

class RolledBack extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.code)
    this.refusal = refusal
  }
}

const FIND =
  'SELECT request_hash, status, headers, body FROM idempotency_keys WHERE caller = $1 AND route = $2 AND key = $3'
const RECORD = `
  INSERT INTO idempotency_keys (caller, route, key, request_hash, status, headers, body, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

export function idempotentWrites({ database, clock }: { database: Database; clock: Clock }): IdempotentWrite {
  const begin = async (tx: Transaction, key: IdempotencyKey) => {
    const lock = `${key.caller} ${key.route} ${key.key}`
    const rows = await tx.query<{ free: boolean }>(
      'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS free',
      [lock],
    )
    if (!rows[0]?.free)
      return refuse(
        'idempotency.in-flight',
        'A request with this Idempotency-Key is still running; ask again in a moment',
      )
    const [record] = await tx.query<Answer & { request_hash: string }>(FIND, [key.caller, key.route, key.key])
    if (!record) return ok(undefined)
    if (record.request_hash !== key.requestHash)
      return refuse('idempotency.key-reused', 'This Idempotency-Key was used for another request; use a new key')
    return ok({ status: record.status, headers: record.headers, body: record.body, replayed: true })
  }

  const perform = async (tx: Transaction, key: IdempotencyKey | undefined, work: Parameters<IdempotentWrite>[1]) => {
    const result = await work(tx)
    if (!result.ok) throw new RolledBack(result.error)
    if (key) record(tx, key, result.value)
    return ok({ ...result.value, replayed: false })
  }

  const record = (tx: Transaction, key: IdempotencyKey, { status, headers, body }: Answer) =>
    tx.write(RECORD, [
      key.caller,
      key.route,
      key.key,
      key.requestHash,
      status,
      JSON.stringify(headers),
      body,
      clock.now(),
    ])

  return async (key, work) => {
    try {
      return await database.transaction(async (tx) => {
        const begun = key ? await begin(tx, key) : ok(undefined)
        if (!begun.ok) return begun
        return begun.value ? ok(begun.value) : perform(tx, key, work)
      })
    } catch (error) {
      if (error instanceof RolledBack) return err(error.refusal)
      throw error
    }
  }
}

/** Forgets the answers that were kept for a signed-in person. @returns how many there were */
export async function forgetCaller(tx: Transaction, userId: string): Promise<number> {
  return tx.execute('DELETE FROM idempotency_keys WHERE caller = $1', [`user:${userId}`])
}
