import { kitProblem } from '@micromart/http-kit/problem'
import type { Clock } from '@micromart/kernel/clock'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, Transaction } from '@micromart/postgres/database'
import type { Logger } from '@micromart/telemetry/logger'
import { nextStep, type RingLimits, type RingStep, signerOf } from './domain/key-ring.ts'
import type { SigningKey, SigningKeys } from './ports.ts'

export interface KeyRing {
  /** @throws ProblemError 503 when the keys could not be read for so long that another one may sign by now */
  signer(): SigningKey
  /** All that tokens may be signed with, the one that signs first. */
  keys(): readonly SigningKey[]
  /** Lets the waiting key sign, at once or as soon as everybody has had the time to learn it. */
  rotate(actor: string): Promise<void>
  close(): void
}

/** Who looks on a schedule; nobody asked for it. */
const SCHEDULE = 'service:user'

const READ_EVERY_MS = 15_000
/** Well below the time that a key stays published after its successor began. */
const MOST_STALE_MS = 120_000

/**
 * The signing keys as all instances share them: each reads the table every few seconds and does what is due, one at a time behind a lock. Nobody
 * waits for that on the way to a token.
 */
export async function openKeyRing(parts: {
  database: Database
  store: SigningKeys
  audit: AuditLog
  clock: Clock
  log: Logger
  limits: RingLimits
  /** How often each instance looks; default 15 seconds. */
  readEveryMs?: number
}): Promise<KeyRing> {
  const { database, store, audit, clock, log, limits } = parts
  let known: readonly SigningKey[] = []
  let readAtMs = 0

  const remember = (keys: readonly SigningKey[], startedAtMs: number) => {
    known = keys
    readAtMs = startedAtMs
  }

  const take = async (tx: Transaction, step: RingStep, actor: string) => {
    switch (step.kind) {
      case 'add':
        return store.add(tx, step.signsFrom)
      case 'remove':
        return store.remove(tx, step.kid)
      case 'activate': {
        await store.activate(tx, step.kid, step.signsFrom)
        const details = { signsFrom: step.signsFrom.toISOString() }
        await audit.append(tx, { actor, action: 'user.signing-keys-rotated', subject: step.kid, details })
      }
    }
  }

  const tend = async ({ actor, rotate }: { actor: string; rotate: boolean }) => {
    const startedAtMs = performance.now()
    const keys = await database.transaction(async (tx) => {
      let current = await store.lock(tx)
      let wish = rotate
      for (;;) {
        const step = nextStep(current, { now: clock.now(), rotate: wish }, limits)
        if (!step) return current
        await take(tx, step, actor)
        if (step.kind === 'activate') wish = false
        current = await store.lock(tx)
      }
    })
    remember(keys, startedAtMs)
  }

  const look = async () => {
    const startedAtMs = performance.now()
    const keys = await store.list()
    if (nextStep(keys, { now: clock.now(), rotate: false }, limits)) await tend({ actor: SCHEDULE, rotate: false })
    else remember(keys, startedAtMs)
  }

  await look()
  let isLooking = false
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    look()
      .catch((err) => log.warn({ err }, 'the signing keys could not be read; again in a moment'))
      .finally(() => {
        isLooking = false
      })
  }, parts.readEveryMs ?? READ_EVERY_MS)
  timer.unref()

  const signer = () => {
    const key = signerOf(known, clock.now())
    if (!key) throw new Error('There is no key to sign access tokens with')
    return key
  }
  return {
    signer: () => {
      if (performance.now() - readAtMs > MOST_STALE_MS)
        throw kitProblem('service.unavailable', 'Nobody can sign in right now; try again in a moment')
      return signer()
    },
    keys: () => {
      const first = signer()
      return [first, ...known.filter(({ kid }) => kid !== first.kid)]
    },
    rotate: (actor) => tend({ actor, rotate: true }),
    close: () => clearInterval(timer),
  }
}
