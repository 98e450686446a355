import type { Role } from '@micromart/contracts/permissions'
import type { ErasureReport, Keeper } from '@micromart/contracts/personal-data'
import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { PersonalDataStore } from '@micromart/service-kit/personal-data'
import type { JWK } from 'jose'
import type { User } from './domain/account.ts'
import type { RingKey } from './domain/key-ring.ts'

export interface Account extends User {
  readonly passwordHash: string
}

export interface Users {
  /** False when the address is taken. */
  add(db: Queryable, account: Account): Promise<boolean>
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
  verify(hash: string | undefined, password: string): Promise<boolean>
  /** The same for the same password and salt, and as slow to guess from as a hash. */
  fingerprint(password: string, salt: string): Promise<string>
}

export interface Tokens {
  /** For a session of the user; `expiresIn` is in seconds. */
  issue(
    user: Pick<User, 'id' | 'roles'>,
    sessionId: string,
  ): Promise<{ readonly accessToken: string; readonly expiresIn: number }>
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

/** What this service itself knows about people. */
export type OwnData = PersonalDataStore

/** The other services that know something about people. Both throw when one of them cannot answer now. */
export interface Keepers {
  ordersOf(userId: string): Promise<readonly { readonly orderId: string; readonly isOpen: boolean }[]>
  /** By the name of the service. */
  collect(person: { userId: string; orderIds: readonly string[] }): Promise<Readonly<Record<string, unknown>>>
}

/** What the person who was forgotten can show: it names nobody. */
export interface Receipt {
  readonly status: 'waiting' | 'asked' | 'done'
  readonly requestedAt: Date
  readonly finishedAt: Date | null
  readonly parts: readonly (ErasureReport & { readonly service: string; readonly reportedAt: Date })[]
}

export interface Erasures {
  /** False when one of this person runs already. */
  add(
    tx: Transaction,
    erasure: { id: string; receiptHash: string; userId: string; requestedAt: Date },
  ): Promise<boolean>
  /** False when everybody was asked before. */
  noteAsked(tx: Transaction, id: string): Promise<boolean>
  /** Who is being forgotten; undefined when it is done. Others wait until the transaction ends. */
  lock(tx: Transaction, id: string): Promise<string | undefined>
  /** Records a report, each service's once. @returns the services that have reported */
  report(
    tx: Transaction,
    report: { id: string; service: Keeper | 'user'; report: ErasureReport; at: Date },
  ): Promise<readonly string[]>
  finish(tx: Transaction, id: string, at: Date): Promise<void>
  findReceipt(receiptHash: string): Promise<Receipt | undefined>
}

export interface DataExport {
  readonly id: string
  readonly status: 'collecting' | 'ready'
  readonly requestedAt: Date
  readonly readyAt: Date | null
  readonly expiresAt: Date
}

/** Who asks for which of theirs, and when. */
export interface ExportAsked {
  readonly id: string
  readonly userId: string
  readonly now: Date
}

export interface DataExports {
  add(tx: Transaction, wanted: { id: string; userId: string; requestedAt: Date; expiresAt: Date }): Promise<void>
  unfinished(tx: Transaction, userId: string): Promise<DataExport | undefined>
  fill(tx: Transaction, filled: { id: string; document: object; at: Date }): Promise<void>
  /** Undefined when it is somebody else's, expired, or was never there. */
  find(asked: ExportAsked): Promise<DataExport | undefined>
  document(asked: ExportAsked): Promise<unknown>
  drop(tx: Transaction, id: string): Promise<void>
}
