import type { Clock } from '@micromart/kernel/clock'
import { err, ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, Queryable, Transaction } from '@micromart/postgres/database'
import type { User } from './domain/account.ts'
import { waitAfterFailures } from './domain/second-factor.ts'
import { newRecoveryCodes, recoveryCodeHash } from './recovery-codes.ts'
import type { Sealer } from './sealed-secrets.ts'
import { base32, newTotpSecret, totpStepOf, totpUri } from './totp.ts'

export interface Factor {
  readonly userId: string
  readonly sealedSecret: string
  readonly isConfirmed: boolean
  readonly lastStep: number
  /** Wrong codes in a row. */
  readonly failures: number
  readonly waitsUntil: Date | null
}

/** The authenticator app of each person, at most one. */
export interface Factors {
  find(db: Queryable, userId: string): Promise<Factor | undefined>
  /** Until the transaction ends nobody else decides about this factor. */
  lock(tx: Transaction, userId: string): Promise<Factor | undefined>
  /** A new secret that does not count yet, in the place of another such; false when one counts already. */
  offer(tx: Transaction, secret: { userId: string; sealed: string; keyId: string }): Promise<boolean>
  /** A right code: it counts from now on, and its step is used up. False when this step, or a later one, was used already. */
  accept(tx: Transaction, userId: string, step: number): Promise<boolean>
  noteFailures(tx: Transaction, userId: string, noted: { failures: number; waitsUntil: Date | null }): Promise<void>
  remove(tx: Transaction, userId: string): Promise<void>
}

export interface RecoveryCodes {
  /** In the place of all that were there. */
  replace(tx: Transaction, userId: string, hashes: readonly string[]): Promise<void>
  /** False for one that is unknown or was used. */
  use(tx: Transaction, userId: string, hash: string): Promise<boolean>
  countLeft(db: Queryable, userId: string): Promise<number>
}

export type CodeRefusal =
  | Refusal<'user.second-factor-wrong' | 'user.second-factor-off'>
  | (Refusal<'user.second-factor-waits'> & { readonly waitMs: number })

export interface SecondFactors {
  isOn(db: Queryable, userId: string): Promise<boolean>
  statusOf(userId: string): Promise<{ readonly isOn: boolean; readonly recoveryCodesLeft: number }>
  /** The only time that the secret is shown. */
  enrol(user: User): Promise<Result<{ secret: string; uri: string }, EnrolRefusal>>
  /** The first right code switches it on; the recovery codes are shown this once. */
  confirm(userId: string, code: string): Promise<Result<readonly string[], CodeRefusal | EnrolRefusal>>
  remove(userId: string, code: string): Promise<Result<undefined, CodeRefusal>>
  renewRecoveryCodes(userId: string, code: string): Promise<Result<readonly string[], CodeRefusal>>
  /** Judges a code from the app or a recovery code, and uses it up. Refusals are counted, so the caller's transaction must commit them too. */
  prove(tx: Transaction, userId: string, code: string): Promise<Result<Proof, CodeRefusal>>
  /** To the audit log what was used up; last in the transaction, as everything that goes there. */
  noteProof(tx: Transaction, userId: string, proof: Proof): Promise<void>
}

export type Proof = { readonly by: 'app' } | { readonly by: 'recovery-code'; readonly left: number }

export type EnrolRefusal = Refusal<
  'user.second-factor-on' | 'user.second-factor-not-begun' | 'user.second-factor-unavailable'
>

interface Parts {
  readonly database: Database
  readonly factors: Factors
  readonly recoveryCodes: RecoveryCodes
  /** Without it nobody can enrol. */
  readonly sealer: Sealer | undefined
  readonly audit: AuditLog
  readonly clock: Clock
  /** The shop's name, as apps show it. */
  readonly shop: string
}

const isUnavailable = refuse(
  'user.second-factor-unavailable',
  'This shop has no second factors yet: its operator has to set USER_SECRETS_KEY',
)
const notBegun = refuse('user.second-factor-not-begun', 'There is nothing to confirm; ask for a secret first')
const isOff = refuse('user.second-factor-off', 'This account has no second factor')
const isOn = refuse('user.second-factor-on', 'This account has a second factor already; remove it first')

/** Authenticator apps (RFC 6238) with recovery codes. A wrong code is counted in the transaction that judges it, and right ones are used once. */
export function createSecondFactors(parts: Parts): SecondFactors {
  const { database, factors, recoveryCodes, sealer, audit } = parts
  const judge = codeJudge(parts)

  const hasOne = async (db: Queryable, userId: string) => (await factors.find(db, userId))?.isConfirmed ?? false

  const prove: SecondFactors['prove'] = async (tx, userId, code) => {
    const factor = await factors.lock(tx, userId)
    return factor?.isConfirmed ? judge(tx, factor, code) : isOff
  }

  const note = (tx: Transaction, userId: string, action: string) =>
    audit.append(tx, { actor: userId, action, subject: userId, details: {} })

  const noteProof: SecondFactors['noteProof'] = async (tx, userId, proof) => {
    if (proof.by === 'app') return
    const details = { left: proof.left }
    await audit.append(tx, { actor: userId, action: 'user.recovery-code-used', subject: userId, details })
  }

  const freshCodes = async (tx: Transaction, userId: string) => {
    const codes = newRecoveryCodes()
    const hashes = codes.flatMap((code) => recoveryCodeHash(code) ?? [])
    await recoveryCodes.replace(tx, userId, hashes)
    return codes
  }

  return {
    prove,
    noteProof,

    isOn: hasOne,

    statusOf: async (userId) => {
      const isOn = await hasOne(database, userId)
      return { isOn, recoveryCodesLeft: isOn ? await recoveryCodes.countLeft(database, userId) : 0 }
    },

    enrol: async ({ id, email }) => {
      if (!sealer) return isUnavailable
      const secret = newTotpSecret()
      const sealed = sealer.seal(secret, purposeOf(id))
      const offered = await database.transaction((tx) => factors.offer(tx, { userId: id, sealed, keyId: sealer.keyId }))
      if (!offered) return isOn
      return ok({ secret: base32(secret), uri: totpUri({ secret, shop: parts.shop, account: email }) })
    },

    confirm: (userId, code) =>
      database.transaction(async (tx) => {
        const factor = await factors.lock(tx, userId)
        if (factor?.isConfirmed) return isOn
        if (!factor) return notBegun
        const proved = await judge(tx, factor, code)
        if (!proved.ok) return proved
        const codes = await freshCodes(tx, userId)
        await note(tx, userId, 'user.second-factor-enrolled')
        return ok(codes)
      }),

    remove: (userId, code) =>
      database.transaction(async (tx) => {
        const proved = await prove(tx, userId, code)
        if (!proved.ok) return proved
        await factors.remove(tx, userId)
        await recoveryCodes.replace(tx, userId, [])
        await noteProof(tx, userId, proved.value)
        await note(tx, userId, 'user.second-factor-removed')
        return ok(undefined)
      }),

    renewRecoveryCodes: (userId, code) =>
      database.transaction(async (tx) => {
        const proved = await prove(tx, userId, code)
        if (!proved.ok) return proved
        const codes = await freshCodes(tx, userId)
        await noteProof(tx, userId, proved.value)
        await note(tx, userId, 'user.recovery-codes-renewed')
        return ok(codes)
      }),
  }
}

const purposeOf = (userId: string) => `totp ${userId}`

/** Judges a code for a factor that the transaction has locked. */
function codeJudge({ factors, recoveryCodes, sealer, audit, clock }: Parts) {
  const isRight = async (tx: Transaction, { userId, sealedSecret, lastStep }: Factor, code: string) => {
    if (!sealer) throw new Error('There is a second factor, and no USER_SECRETS_KEY to read it with')
    const step = totpStepOf(code, { secret: sealer.open(sealedSecret, purposeOf(userId)), lastStep, at: clock.now() })
    return step !== undefined && (await factors.accept(tx, userId, step))
  }

  const takesRecoveryCode = async (tx: Transaction, { userId, isConfirmed }: Factor, code: string) => {
    const hash = isConfirmed ? recoveryCodeHash(code) : undefined
    if (hash === undefined || !(await recoveryCodes.use(tx, userId, hash))) return false
    await factors.noteFailures(tx, userId, { failures: 0, waitsUntil: null })
    return true
  }

  const fail = async (tx: Transaction, { userId, failures: before }: Factor) => {
    const failures = before + 1
    const waitMs = waitAfterFailures(failures)
    const waitsUntil = waitMs > 0 ? new Date(clock.now().getTime() + waitMs) : null
    await factors.noteFailures(tx, userId, { failures, waitsUntil })
    const details = { failures }
    await audit.append(tx, { actor: userId, action: 'user.second-factor-failed', subject: userId, details })
    return refuse('user.second-factor-wrong', 'This code is wrong, too old, or was used already')
  }

  return async (tx: Transaction, factor: Factor, code: string): Promise<Result<Proof, CodeRefusal>> => {
    // nobody can guess a recovery code, so it stays the owner's way in while somebody guesses the others
    if (await takesRecoveryCode(tx, factor, code))
      return ok({ by: 'recovery-code', left: await recoveryCodes.countLeft(tx, factor.userId) })
    const waitMs = (factor.waitsUntil?.getTime() ?? 0) - clock.now().getTime()
    if (waitMs > 0) {
      const detail = 'Too many wrong codes; try again later, or use a recovery code'
      return err({ code: 'user.second-factor-waits' as const, detail, waitMs })
    }
    return (await isRight(tx, factor, code)) ? ok({ by: 'app' }) : fail(tx, factor)
  }
}
