import type { Clock } from './clock.ts'

/** A source of identifiers, injected everywhere so that tests can foretell them. */
export interface Ids {
  next(): string
}

/** Twelve bits counted within a millisecond keep ids in the order they were made. */
const COUNTER_LIMIT = 0x1000

const hex = (value: number, width: number) => value.toString(16).padStart(width, '0')

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => hex(byte, 2))

/** Two lower-case digits for each byte, from `start` to before `end`. */
export function hexOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = ''
  for (let index = start; index < end; index += 1) text += HEX_OF_BYTE[bytes[index] ?? 0]
  return text
}

/** UUID version 7 (RFC 9562, section 5.7; the counter of section 6.2, method 1): sortable by time, monotonic within one source. */
export function uuidV7(clock: Clock, randomBytes: (size: number) => Uint8Array = cryptoBytes): Ids {
  let lastMs = 0
  let counter = 0
  let timeOf = -1
  let time = ''
  return {
    next() {
      const nowMs = clock.now().getTime()
      if (nowMs > lastMs) {
        lastMs = nowMs
        counter = 0
      } else if (++counter === COUNTER_LIMIT) {
        lastMs += 1
        counter = 0
      }
      const random = randomBytes(8)
      random[0] = ((random[0] ?? 0) & 0x3f) | 0x80
      if (timeOf !== lastMs) {
        timeOf = lastMs
        const digits = hex(lastMs, 12)
        time = `${digits.slice(0, 8)}-${digits.slice(8)}-7`
      }
      const count = (counter >> 8).toString(16) + HEX_OF_BYTE[counter & 0xff]
      return `${time}${count}-${hexOf(random, 0, 2)}-${hexOf(random, 2, 8)}`
    },
  }
}

const POOL_BYTES = 4096
let pool = new Uint8Array(0)
let used = 0

/** Random bytes, taken from the system in larger helpings: one call a uuid would cost more than the uuid. */
export function cryptoBytes(size: number): Uint8Array {
  if (used + size > pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES))
    used = 0
  }
  const bytes = pool.slice(used, used + size)
  used += size
  return bytes
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const isUuid = (text: string): boolean => UUID.test(text)
