import { Fault } from '../fault.ts'

/** Why one record of the file, or one part of it, was left out. Codes are stable and never reused. */
export type BadRowCode =
  | 'import.bad-handle'
  | 'import.bad-image'
  | 'import.bad-options'
  | 'import.bad-price'
  | 'import.bad-quantity'
  | 'import.bad-quotes'
  | 'import.bad-sku'
  | 'import.bad-status'
  | 'import.bad-text'
  | 'import.bad-weight'
  | 'import.duplicate-sku'
  | 'import.duplicate-variant'
  | 'import.empty-row'
  | 'import.missing-handle'
  | 'import.missing-title'
  | 'import.record-too-long'
  | 'import.scattered-product'
  | 'import.unclosed-quote'
  | 'import.wrong-column-count'

/** `line` is the physical line (from 1) on which the record starts; `reason` is one sentence, safe to print in a terminal. */
export interface BadRow {
  readonly kind: 'bad-row'
  readonly line: number
  readonly handle?: string
  readonly code: BadRowCode
  readonly reason: string
}

type ImportFileCode =
  | 'import.duplicate-columns'
  | 'import.empty-file'
  | 'import.missing-columns'
  | 'import.not-utf8'
  | 'import.unreadable-header'

/** Thrown when the file as a whole cannot be an import: nothing of it was read. */
export class ImportFileError extends Fault {
  readonly code: ImportFileCode

  constructor(code: ImportFileCode, message: string) {
    super(message)
    this.name = 'ImportFileError'
    this.code = code
  }
}

const longestQuote = 60

/** A value from the file inside a sentence: in quotes, cut short, and without anything a terminal would obey. */
export const quoted = (text: string): string => {
  const short = text.length > longestQuote ? `${text.slice(0, longestQuote)}...` : text
  return `"${short.replace(/[\p{C}\u2028\u2029]/gu, '?')}"`
}
