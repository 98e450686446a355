import type { Refusal, Result } from '@micromart/kernel/result'
import type { Queryable, Transaction } from '@micromart/postgres/database'
import type { ReservationCommand, Told } from './domain/reservation.ts'

export interface OrderCommand {
  readonly orderId: string
  readonly command: ReservationCommand
}

export interface Stamp {
  readonly now: Date
  /** When a hold that is made now runs out. */
  readonly expiresAt: Date
}

/** Runs a batch of commands and says what to tell about each, in the same order. */
export type RunReservations = (
  tx: Transaction,
  commands: readonly OrderCommand[],
  stamp: Stamp,
) => Promise<readonly (Told | undefined)[]>

export interface StockLevel {
  readonly sku: string
  readonly onHand: number
  readonly reserved: number
}

/** One change of on-hand pieces; who changed it by hand and why, or for which order. */
export interface Movement {
  readonly id: string
  readonly kind: string
  readonly quantity: number
  readonly orderId: string | null
  readonly reason: string | null
  readonly actor: string | null
  readonly at: Date
}

export type StockRefusal = Refusal<'inventory.unknown-sku' | 'inventory.below-reserved'>

/** Who changed stock by hand, when and why. */
export interface Note {
  readonly actor: string
  readonly reason: string
  readonly at: Date
}

export interface OpeningReport {
  readonly set: number
  readonly unchanged: number
  readonly refused: readonly { readonly sku: string; readonly code: string; readonly detail: string }[]
}

/** Stock as people see and change it. */
export interface StockBook {
  find(db: Queryable, sku: string): Promise<StockLevel | undefined>
  /** Newest first; `before` is the last id of the page before. */
  movements(
    db: Queryable,
    sku: string,
    page: { before: string | undefined; limit: number },
  ): Promise<readonly Movement[]>
  /** Adds or takes pieces, never below what is promised. */
  adjust(
    tx: Transaction,
    change: { sku: string; quantity: number },
    note: Note,
  ): Promise<Result<StockLevel, StockRefusal>>
  /** The first count of each SKU; one that is known already is left alone unless `overwrite`. */
  open(
    tx: Transaction,
    opening: { items: readonly { sku: string; quantity: number }[]; overwrite: boolean },
    note: Note,
  ): Promise<OpeningReport>
}
