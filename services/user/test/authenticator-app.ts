import type { Clock } from '@micromart/kernel/clock'
import { totpCode, totpStepAt } from '../src/totp.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** What somebody has on their telephone: it knows the secret as it was shown, and the time. */
export function authenticatorApp({ secret, clock }: { secret: string; clock: Clock }) {
  const bits = Array.from(secret, (letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('')
  const bytes = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const now = () => totpStepAt(clock.now())
  return {
    code: (stepsFromNow = 0) => totpCode(bytes, now() + stepsFromNow),
    /** One that is right at no time near now. */
    wrongCode: (nth = 0) => {
      const near = [-2, -1, 0, 1, 2].map((step) => totpCode(bytes, now() + step))
      const others = Array.from({ length: 100 }, (_, number) => String(100_000 + number))
      return others.filter((code) => !near.includes(code))[nth] ?? ''
    },
  }
}
