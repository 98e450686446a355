//   none -> held -> committed -> cancelled (given back)
//     |      +----> expired ---> committed (if there is enough again) | refused
//     |      +----> cancelled
//     +----> rejected
//     +----> cancelled (a tombstone: nothing is held for it later)
//     +----> confirmed-early (its placing comes later and takes the pieces at once)

/** Pieces of one SKU; one line per SKU and order. */
export interface StockLine {
  readonly sku: string
  readonly quantity: number
}

export interface Reservation {
  readonly status: 'none' | 'held' | 'rejected' | 'committed' | 'expired' | 'refused' | 'cancelled' | 'confirmed-early'
  readonly lines: readonly StockLine[]
}

export const noReservation: Reservation = { status: 'none', lines: [] }

export type ReservationCommand =
  | { readonly type: 'Hold'; readonly lines: readonly StockLine[] }
  | { readonly type: 'Commit' }
  | { readonly type: 'Cancel' }
  | { readonly type: 'Expire' }

export interface Level {
  readonly onHand: number
  readonly reserved: number
}

/** The levels of the SKUs concerned; a SKU that is not in it does not exist. */
export type Levels = ReadonlyMap<string, Level>

export interface Shortage {
  readonly sku: string
  readonly requested: number
  readonly available: number
}

export type Told =
  | { readonly type: 'reserved' }
  | { readonly type: 'rejected' | 'commit-refused'; readonly shortages: readonly Shortage[] }

export interface Decided {
  readonly reservation: Reservation
  readonly levels: Levels
  /** Changes of on-hand pieces, for the ledger of movements. */
  readonly movements: readonly (StockLine & { readonly kind: 'sale' | 'return' })[]
  readonly tell?: Told
}

/** Decides one command against the present levels; whatever comes twice or late changes nothing that matters. */
export function decide(command: ReservationCommand, reservation: Reservation, levels: Levels): Decided {
  const unchanged: Decided = { reservation, levels, movements: [] }
  switch (command.type) {
    case 'Hold':
      return hold(reservation, summedBySku(command.lines), levels)
    case 'Commit':
      return commit(reservation, levels)
    case 'Cancel':
      return cancel(reservation, levels)
    case 'Expire':
      return reservation.status === 'held'
        ? {
            ...unchanged,
            reservation: { ...reservation, status: 'expired' },
            levels: move(levels, reservation.lines, { reserved: -1 }),
          }
        : unchanged
  }
}

/** Two lines of one item are one wish. */
export function summedBySku(lines: readonly StockLine[]): readonly StockLine[] {
  const sums = new Map<string, number>()
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity)
  return [...sums].map(([sku, quantity]) => ({ sku, quantity }))
}

function hold(reservation: Reservation, lines: readonly StockLine[], levels: Levels): Decided {
  if (reservation.status === 'confirmed-early') return sell({ status: 'none', lines }, levels)
  if (reservation.status !== 'none') return { reservation, levels, movements: [] }
  const shortages = shortagesOf(lines, levels)
  return shortages.length > 0
    ? { reservation: { status: 'rejected', lines }, levels, movements: [], tell: { type: 'rejected', shortages } }
    : {
        reservation: { status: 'held', lines },
        levels: move(levels, lines, { reserved: 1 }),
        movements: [],
        tell: { type: 'reserved' },
      }
}

function commit(reservation: Reservation, levels: Levels): Decided {
  switch (reservation.status) {
    case 'held':
      return {
        reservation: { ...reservation, status: 'committed' },
        levels: move(levels, reservation.lines, { reserved: -1, onHand: -1 }),
        movements: reservation.lines.map((line) => ({ ...line, kind: 'sale' })),
      }
    case 'expired':
      return sell(reservation, levels)
    case 'none':
      return { reservation: { status: 'confirmed-early', lines: [] }, levels, movements: [] }
    case 'rejected':
    case 'committed':
    case 'refused':
    case 'cancelled':
    case 'confirmed-early':
      return { reservation, levels, movements: [] }
  }
}

/** Takes pieces that are not held: only if there are enough. */
function sell({ lines }: Reservation, levels: Levels): Decided {
  const shortages = shortagesOf(lines, levels)
  return shortages.length > 0
    ? { reservation: { status: 'refused', lines }, levels, movements: [], tell: { type: 'commit-refused', shortages } }
    : {
        reservation: { status: 'committed', lines },
        levels: move(levels, lines, { onHand: -1 }),
        movements: lines.map((line) => ({ ...line, kind: 'sale' })),
      }
}

function cancel(reservation: Reservation, levels: Levels): Decided {
  const cancelled: Reservation = { ...reservation, status: 'cancelled' }
  switch (reservation.status) {
    case 'held':
      return { reservation: cancelled, levels: move(levels, reservation.lines, { reserved: -1 }), movements: [] }
    case 'committed':
      return {
        reservation: cancelled,
        levels: move(levels, reservation.lines, { onHand: 1 }),
        movements: reservation.lines.map((line) => ({ ...line, kind: 'return' })),
      }
    case 'none':
    case 'rejected':
    case 'expired':
    case 'refused':
    case 'cancelled':
    case 'confirmed-early':
      return { reservation: cancelled, levels, movements: [] }
  }
}

const shortagesOf = (lines: readonly StockLine[], levels: Levels): readonly Shortage[] =>
  lines.flatMap(({ sku, quantity }) => {
    const level = levels.get(sku)
    const available = level ? level.onHand - level.reserved : 0
    return available < quantity ? [{ sku, requested: quantity, available }] : []
  })

function move(levels: Levels, lines: readonly StockLine[], by: { onHand?: number; reserved?: number }): Levels {
  const moved = new Map(levels)
  for (const { sku, quantity } of lines) {
    const level = moved.get(sku)
    if (!level) throw new Error(`${sku} was promised but has no stock record`)
    moved.set(sku, {
      onHand: level.onHand + quantity * (by.onHand ?? 0),
      reserved: level.reserved + quantity * (by.reserved ?? 0),
    })
  }
  return moved
}
