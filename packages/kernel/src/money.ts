import { ok, type Result, refuse } from './result.ts'

/** An amount in whole minor units (cents for USD, yen for JPY) of one ISO 4217 currency; never a float. */
export interface Money {
  readonly minor: number
  readonly currency: string
}

/** Decimal places per currency, ISO 4217 list one (2026); every other currency has two. */
const exponents: Readonly<Record<string, number>> = {
  BHD: 3,
  BIF: 0,
  CLF: 4,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  IQD: 3,
  ISK: 0,
  JOD: 3,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  PYG: 0,
  RWF: 0,
  TND: 3,
  UGX: 0,
  UYI: 0,
  UYW: 4,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
}

export const currencyExponent = (currency: string): number => exponents[currency] ?? 2

export const money = (minor: number, currency: string): Money => {
  if (!Number.isSafeInteger(minor)) throw new RangeError(`${minor} is not a whole number of minor units`)
  return { minor, currency }
}

export const addMoney = (a: Money, b: Money): Money => {
  if (a.currency !== b.currency) throw new RangeError(`cannot add ${a.currency} and ${b.currency}`)
  return money(a.minor + b.minor, a.currency)
}

/** `quantity` is a whole number of pieces, zero or more. */
export const multiplyMoney = (price: Money, quantity: number): Money => money(price.minor * quantity, price.currency)

/** The total of lines of one price each; an empty list is zero of the given currency. */
export const totalOf = (lines: readonly { unitPrice: Money; quantity: number }[], currency: string): Money =>
  lines.reduce((sum, line) => addMoney(sum, multiplyMoney(line.unitPrice, line.quantity)), money(0, currency))

/** `formatMoney({ minor: 1400, currency: 'USD' })` is `14.00 USD`. */
export const formatMoney = ({ minor, currency }: Money): string => {
  const places = currencyExponent(currency)
  const digits = Math.abs(minor)
    .toString()
    .padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  const fraction = places === 0 ? '' : `.${digits.slice(-places)}`
  return `${minor < 0 ? '-' : ''}${whole}${fraction} ${currency}`
}

/** Reads a plain decimal (`14`, `14.5`, `14.00`) exactly, digit by digit; more places than the currency has are refused unless they are zeros. */
export const parseDecimal = (text: string, currency: string): Result<Money> => {
  const match = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(text.trim())
  if (!match) return refuse('money.not-a-decimal', `"${text}" is not a plain decimal amount such as 14.00`)
  const places = currencyExponent(currency)
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > places)
    return refuse('money.too-precise', `"${text}" has more than the ${places} decimal places of ${currency}`)
  const minor = Number(`${match[1]}${fraction.padEnd(places, '0')}`)
  if (!Number.isSafeInteger(minor)) return refuse('money.too-large', `"${text}" is larger than can be counted exactly`)
  return ok({ minor, currency })
}
