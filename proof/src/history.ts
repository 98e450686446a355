import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'

/** What a client asks for; `key` names the one thing it is about. */
export type HistoryCall =
  /** `key` is the Idempotency-Key, `request` a digest of what was asked; `customer` tells whose share of a coupon it is. */
  | {
      readonly op: 'checkout'
      readonly key: string
      readonly cart: string
      readonly request: string
      readonly coupon?: string
      readonly customer?: string
    }
  /** `key` is the cart. */
  | { readonly op: 'cart-add'; readonly key: string; readonly sku: string; readonly quantity: number }
  /** `key` is the order. */
  | { readonly op: 'order-read'; readonly key: string }
  | { readonly op: 'order-cancel'; readonly key: string }
  /** `key` is the SKU. */
  | { readonly op: 'stock-set'; readonly key: string; readonly quantity: number; readonly overwrite: boolean }
  /** `key` is the SKU, and `reason` is given once only, so that the movement can be found again. */
  | { readonly op: 'stock-adjust'; readonly key: string; readonly quantity: number; readonly reason: string }
  | { readonly op: 'stock-read'; readonly key: string }
  /** `key` is the code; limits that are left out do not exist. */
  | {
      readonly op: 'coupon-make'
      readonly key: string
      readonly mostUses?: number
      readonly mostUsesPerCustomer?: number
    }

/** What was told in an answer, as far as the checkers need it. */
export interface HistoryFacts {
  /** HTTP status, 0 when no answer came. */
  readonly status?: number
  /** Why it was refused. */
  readonly code?: string
  readonly orderId?: string
  /** The answer to a checkout, byte for byte. */
  readonly body?: string
  /** Where an order stands, and why it is off. */
  readonly state?: string
  readonly reason?: string | null
  readonly onHand?: number
  readonly reserved?: number
  readonly outcome?: 'set' | 'unchanged' | 'below-reserved'
}

/** `ok`: it is done. `fail`: it is known to have done nothing. `info`: nobody knows, as after a time-out. */
export type HistoryOutcome = HistoryFacts & { readonly type: 'ok' | 'fail' | 'info' }

/** One line of a history, in Jepsen's words; `at` is in milliseconds since 1970, the order of the lines is the order of time. */
export type HistoryRecord = { readonly process: number; readonly at: number } & (
  | ({ readonly type: 'invoke' } & HistoryCall)
  | (HistoryOutcome & Pick<HistoryCall, 'op' | 'key'>)
)

export interface HistoryRecorder {
  /** A number for one more client: it does one thing after the other. */
  newProcess(): number
  /** Writes down that a call begins; what it gives back writes down how it ended. */
  begin(process: number, call: HistoryCall): (outcome: HistoryOutcome) => void
  readonly records: readonly HistoryRecord[]
  /** Resolves when every line so far is in the file. */
  flush(): Promise<void>
  /** The same for the last time. */
  close(): Promise<void>
}

/** Keeps a history in memory and, with `file`, appends it there too. */
export function recordHistory(options: {
  readonly file?: string
  /** Told about each line, after it was written down. */
  readonly onRecord?: (record: HistoryRecord) => void
  readonly now?: () => number
  /** The number of the first client, higher than any in a file that is gone on with; default 0. */
  readonly firstProcess?: number
}): HistoryRecorder {
  const { file, onRecord, now = Date.now, firstProcess = 0 } = options
  const records: HistoryRecord[] = []
  const lines = file === undefined ? undefined : createWriteStream(file, { flags: 'a' })
  const written = lines && finished(lines)
  written?.catch(() => {}) // told by `close`
  let processes = firstProcess
  const write = (record: HistoryRecord) => {
    records.push(record)
    lines?.write(`${JSON.stringify(record)}\n`)
    onRecord?.(record)
  }
  return {
    newProcess: () => processes++,
    begin: (process, call) => {
      write({ process, type: 'invoke', at: now(), ...call })
      return (outcome) => write({ process, at: now(), op: call.op, key: call.key, ...outcome })
    },
    records,
    flush: async () => void (await new Promise((flushed) => (lines ? lines.write('', flushed) : flushed(null)))),
    close: async () => {
      lines?.end()
      await written
    },
  }
}
