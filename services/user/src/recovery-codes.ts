import { createHash, randomBytes } from 'node:crypto'
import { base32 } from './totp.ts'

const CODES = 10
/** 120 bits: from 112 on a quick hash is enough to store them (ASVS 5.0, 6.5.2), for nobody can try them all. */
const CODE_BYTES = 15
const CODE = /^[A-Z2-7]{24}$/

/** Ten codes for the drawer at home, such as `ABCD-EFGH-IJKL-MNOP-QRST-UVWX`. */
export const newRecoveryCodes = (): readonly string[] =>
  Array.from({ length: CODES }, () => (base32(randomBytes(CODE_BYTES)).match(/.{4}/g) ?? []).join('-'))

/** What is stored and compared instead of the code; undefined for what cannot be one. Case, blanks and hyphens do not matter. */
export function recoveryCodeHash(text: string): string | undefined {
  const code = text.toUpperCase().replaceAll(/[\s-]/g, '')
  return CODE.test(code) ? createHash('sha256').update(code).digest('base64url') : undefined
}
