import type { ErasureReport, Keeper } from '@micromart/contracts/personal-data'
import type { Transaction } from '@micromart/postgres/database'
import type { PersonalDataStore } from '@micromart/service-kit/personal-data'

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
