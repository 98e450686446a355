import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** RFC 6238, section 5.2: what every authenticator app does. */
const TOTP_STEP_S = 30
const DIGITS = 6
/** RFC 4226, section 4: 160 bits, as long as the output of SHA-1. */
const SECRET_BYTES = 20
/** RFC 6238, section 5.2: a code that was typed slowly, or a clock that is a little off, in either direction. */
const SKEW_STEPS = 1

export const newTotpSecret = (): Buffer => randomBytes(SECRET_BYTES)

/** The number of whole time steps since 1970. */
export const totpStepAt = (at: Date): number => Math.floor(at.getTime() / 1_000 / TOTP_STEP_S)

/** The code of one step: HMAC-SHA-1, dynamically truncated (RFC 4226, section 5.3). SHA-1 is what the apps know; HMAC does not need more of it. */
export function totpCode(secret: Uint8Array, step: number, digits = DIGITS): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const hash = createHmac('sha1', secret).update(counter).digest()
  const offset = hash.readUInt8(hash.length - 1) & 0xf
  const number = hash.readUInt32BE(offset) & 0x7fffffff
  return String(number % 10 ** digits).padStart(digits, '0')
}

/** The step that the code belongs to: now or next to it, and later than `lastStep`, for a step is used once. Undefined for a wrong code. */
export function totpStepOf(
  code: string,
  { secret, lastStep, at }: { secret: Uint8Array; lastStep: number; at: Date },
): number | undefined {
  const now = totpStepAt(at)
  const steps = Array.from({ length: 2 * SKEW_STEPS + 1 }, (_, index) => now - SKEW_STEPS + index)
  const given = Buffer.from(code)
  const matches = steps.filter((step) => {
    const right = Buffer.from(totpCode(secret, step))
    return given.length === right.length && timingSafeEqual(given, right)
  })
  return matches.find((step) => step > lastStep)
}

/** What authenticator apps read from a QR code (the Key URI format of Google Authenticator). */
export function totpUri({ secret, shop, account }: { secret: Uint8Array; shop: string; account: string }): string {
  const label = `${encodeURIComponent(shop)}:${encodeURIComponent(account)}`
  const rest = `issuer=${encodeURIComponent(shop)}&algorithm=SHA1&digits=${DIGITS}&period=${TOTP_STEP_S}`
  return `otpauth://totp/${label}?secret=${base32(secret)}&${rest}`
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648, section 6, without padding. */
export function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('')
  const groups = bits.match(/.{1,5}/g) ?? []
  return groups.map((group) => ALPHABET[Number.parseInt(group.padEnd(5, '0'), 2)]).join('')
}
