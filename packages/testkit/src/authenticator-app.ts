import { createHmac } from 'node:crypto'
import type { Clock } from '@micromart/kernel/clock'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const STEP_MS = 30_000

/** RFC 4226, section 5.3, written once more and otherwise than in the service. */
function hotp(key: Buffer, count: number): string {
  const hash = createHmac('sha1', key)
    .update(Buffer.from(count.toString(16).padStart(16, '0'), 'hex'))
    .digest('hex')
  const offset = Number.parseInt(hash.slice(-1), 16)
  const number = Number.parseInt(hash.slice(offset * 2, offset * 2 + 8), 16) % 0x80000000
  return String(number).padStart(10, '0').slice(-6)
}

/** What somebody has on their telephone: it knows the secret as it was shown, and the time. */
export function authenticatorApp({ secret, clock }: { secret: string; clock: Clock }) {
  const bits = Array.from(secret, (letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const now = () => Math.floor(clock.now().getTime() / STEP_MS)
  return {
    code: (stepsFromNow = 0) => hotp(key, now() + stepsFromNow),
    /** One that is right at no time near now. */
    wrongCode: (nth = 0) => {
      const near = [-2, -1, 0, 1, 2].map((step) => hotp(key, now() + step))
      const others = Array.from({ length: 100 }, (_, number) => String(100_000 + number))
      return others.filter((code) => !near.includes(code))[nth] ?? ''
    },
  }
}
