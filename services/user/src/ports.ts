import type { Role } from '@micromart/contracts/permissions'
import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { JWK } from 'jose'
import type { User } from './domain/account.ts'
import type { RingKey } from './domain/key-ring.ts'

export interface Account extends User {
  /** Null for somebody who has always come with a provider. */
  readonly passwordHash: string | null
}

export interface Users {
  /** False when the address is taken. */
  add(db: Queryable, account: Account): Promise<boolean>
  /** The address is known to be the account's. */
  noteVerified(id: string): Promise<void>
  /** Within a transaction pass it: one that waits for a second connection can wait for ever. */
  find(id: string, tx?: Transaction): Promise<User | undefined>
  /** Nobody changes the account until the transaction ends. */
  lock(tx: Transaction, id: string): Promise<Account | undefined>
  /** `email` is normalised. */
  findByEmail(email: string): Promise<Account | undefined>
  /** Undefined when there is no such user; `last-admin` when nobody would be left to give roles. */
  setRoles(tx: Transaction, id: string, roles: readonly Role[]): Promise<User | 'last-admin' | undefined>
}

/** All throw a 503 problem when too much hashing waits already. */
export interface Passwords {
  hash(password: string): Promise<string>
  /** Without a hash it does the same work for nothing and says no, so that the time tells nobody whether an account exists. */
  verify(hash: string | null | undefined, password: string): Promise<boolean>
  /** The same for the same password and salt, and as slow to guess from as a hash. */
  fingerprint(password: string, salt: string): Promise<string>
}

export interface Tokens {
  /** For a session of the user; `expiresIn` is in seconds. */
  issue(
    user: Pick<User, 'id' | 'roles'>,
    sessionId: string,
  ): Promise<{ readonly accessToken: string; readonly expiresIn: number }>
  /** For an API key; `scope` is permissions, separated by blanks. */
  issueToMachine(machine: {
    keyId: string
    scope: string
    ttlS: number
  }): Promise<{ readonly accessToken: string; readonly expiresIn: number }>
  /** The public keys, RFC 7517. */
  jwks(): { readonly keys: readonly PublicKey[] }
}

export interface SigningKey extends RingKey {
  /** The key's thumbprint, RFC 7638. */
  readonly kid: string
  readonly privateJwk: JWK
}

/** Where the keys are that access tokens are signed with. */
export interface SigningKeys {
  list(): Promise<readonly SigningKey[]>
  /** Nobody else changes them until the transaction ends. */
  lock(tx: Transaction): Promise<readonly SigningKey[]>
  /** Makes a new one. */
  add(tx: Transaction, signsFrom: Date | null): Promise<void>
  activate(tx: Transaction, kid: string, signsFrom: Date): Promise<void>
  remove(tx: Transaction, kid: string): Promise<void>
}

export interface PublicKey {
  readonly kty: string
  readonly crv: string
  readonly x: string
  readonly kid: string
  readonly alg: string
  readonly use: string
}

/** Who tries to sign in; the client's address is unknown without a proxy in front that tells it. */
export interface SignInAttempt {
  readonly email: string
  readonly clientAddress: string | undefined
}

/** Counts failed sign-ins within a window of time. It slows guessing and guards nothing else, so it answers at once and never fails. */
export interface SignInThrottle {
  /** Milliseconds until the next attempt may be made, 0 for now. */
  waitMs(attempt: SignInAttempt): Promise<number>
  failed(attempt: SignInAttempt): Promise<void>
  /** Forgives the account, not the client address. */
  succeeded(attempt: SignInAttempt): Promise<void>
}

/** One row of the audit log. */
export interface SecurityEvent {
  readonly sequence: string
  readonly at: Date
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly details: Readonly<Record<string, unknown>>
}

export interface SecurityLog {
  /** Those before a sequence, the latest first; with a user only what the user did or what was done to the account. */
  page(wish: { before: string; limit: number; userId?: string }): Promise<readonly SecurityEvent[]>
}
