import type { Ids } from '@micromart/kernel/ids'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, Transaction } from '@micromart/postgres/database'
import { parseEmail, parseName, type User } from './domain/account.ts'
import type { ProvidedIdentity } from './identity-providers.ts'
import { type ProviderRounds, type RoundRefusal, roundUnknown } from './provider-rounds.ts'

/** A provider's account that opens an account here. */
export interface LinkedIdentity {
  readonly id: string
  readonly provider: string
  readonly linkedAt: Date
}

type NewIdentity = Pick<ProvidedIdentity, 'issuer' | 'subject'> & {
  readonly id: string
  readonly userId: string
  readonly provider: string
}

export interface Identities {
  /** The account that it opens. */
  ownerOf(tx: Transaction, identity: Pick<ProvidedIdentity, 'issuer' | 'subject'>): Promise<User | undefined>
  /** False when it opens an account already, this or another. */
  add(tx: Transaction, identity: NewIdentity): Promise<boolean>
  list(userId: string): Promise<readonly LinkedIdentity[]>
  /** Undefined when the account has no such identity; `last-way-in` when nobody could open it any more. */
  remove(tx: Transaction, userId: string, id: string): Promise<LinkedIdentity | 'last-way-in' | undefined>
}

/** The accounts, as far as this has to do with them. */
export interface ExternalAccounts {
  /** False when it is closed. Nobody else changes it until the transaction ends. */
  lock(tx: Transaction, id: string): Promise<boolean>
  /** Nobody else changes it until the transaction ends. */
  lockByEmail(tx: Transaction, email: string): Promise<User | undefined>
  /** Without a password, and with an address that is known to be theirs. False when the address is taken. */
  add(tx: Transaction, user: User): Promise<boolean>
}

export type ExternalRefusal =
  | RoundRefusal
  | Refusal<'user.provider-email-unverified' | 'user.identity-needs-link' | 'user.identity-taken'>

export interface ExternalSignIn {
  /** Who the browser that came back from a provider belongs to; somebody new gets an account. */
  signIn(secret: string): Promise<Result<User, ExternalRefusal>>
  /** Adds what the browser came back with to the account that asked for it. */
  link(ownerId: string, secret: string): Promise<Result<undefined, ExternalRefusal>>
  unlink(
    ownerId: string,
    id: string,
  ): Promise<Result<undefined, Refusal<'user.identity-unknown' | 'user.identity-last'>>>
}

interface Parts {
  readonly database: Database
  readonly rounds: ProviderRounds
  readonly identities: Identities
  readonly accounts: ExternalAccounts
  readonly ids: Ids
  readonly audit: AuditLog
}

/** What a provider's word is worth here. */
export function createExternalSignIn(parts: Parts): ExternalSignIn {
  const { database, rounds, identities, accounts, ids, audit } = parts
  const open = accountOpener(parts)
  return {
    signIn: (secret) =>
      database.transaction(async (tx) => {
        const found = await rounds.finish(tx, secret)
        if (!found.ok) return found
        // the second look is for two first sign-ins at once: the later one finds what the earlier one made
        return (await open(tx, found.value)) ?? (await open(tx, found.value)) ?? needsLink
      }),

    link: (ownerId, secret) =>
      database.transaction(async (tx) => {
        if (!(await accounts.lock(tx, ownerId))) return roundUnknown
        const found = await rounds.finish(tx, secret, ownerId)
        if (!found.ok) return found
        const identity = { ...found.value, id: ids.next(), userId: ownerId }
        if (await identities.add(tx, identity)) await noteLinked(audit, tx, identity)
        else if ((await identities.ownerOf(tx, identity))?.id !== ownerId) return isTaken
        return ok(undefined)
      }),

    unlink: (ownerId, id) =>
      database.transaction(async (tx) => {
        const removed = await identities.remove(tx, ownerId, id)
        if (removed === undefined) return refuse('user.identity-unknown', 'Your account has no such provider')
        if (removed === 'last-way-in') return isLast
        const details = { identity: id, provider: removed.provider }
        await audit.append(tx, { actor: ownerId, action: 'user.identity-unlinked', subject: ownerId, details })
        return ok(undefined)
      }),
  }
}

type Found = ProvidedIdentity & { readonly provider: string }

const needsLink = refuse(
  'user.identity-needs-link',
  'An account here has this e-mail address and has not proven it; sign in to it, or reset its password, and add the provider there',
)
const isTaken = refuse('user.identity-taken', 'This account of the provider opens another account here already')
const isLast = refuse(
  'user.identity-last',
  'This is the only way into your account; set a password or add another provider first',
)
const isUnverified = refuse(
  'user.provider-email-unverified',
  'The provider does not vouch for your e-mail address; verify it there, or open an account here and add the provider to it',
)

const noteLinked = (audit: AuditLog, tx: Transaction, { id, userId, provider }: NewIdentity) =>
  audit.append(tx, {
    actor: userId,
    action: 'user.identity-linked',
    subject: userId,
    details: { identity: id, provider },
  })

/**
 * The account of an identity: the one it is linked to; else the one with its address, if both sides have proven the address, for else whoever opened an
 * account under somebody's address before them would get into theirs; else a new one. Undefined when somebody else was quicker: look again.
 */
function accountOpener({ identities, accounts, ids, audit }: Parts) {
  const linkTo = async (tx: Transaction, user: User, found: Found) => {
    const identity = { ...found, id: ids.next(), userId: user.id }
    if (!(await identities.add(tx, identity))) return undefined
    await noteLinked(audit, tx, identity)
    return ok(user)
  }

  return async (tx: Transaction, found: Found): Promise<Result<User, ExternalRefusal> | undefined> => {
    const owner = await identities.ownerOf(tx, found)
    if (owner) return ok(owner)
    const email = parseEmail(found.verifiedEmail ?? '')
    if (!email.ok) return isUnverified
    const existing = await accounts.lockByEmail(tx, email.value)
    if (existing) return existing.emailVerified ? linkTo(tx, existing, found) : needsLink
    const user: User = {
      ...{ id: ids.next(), email: email.value, emailVerified: true, name: nameOf(found, email.value) },
      roles: ['customer'],
    }
    return (await accounts.add(tx, user)) ? linkTo(tx, user, found) : undefined
  }
}

const LONGEST_NAME = 200

function nameOf({ name }: Found, email: string): string {
  const parsed = parseName((name ?? '').slice(0, LONGEST_NAME))
  return parsed.ok ? parsed.value : (email.split('@')[0] ?? email)
}
