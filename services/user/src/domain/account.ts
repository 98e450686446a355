import { allRoles, type Role } from '@micromart/contracts/permissions'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'

/** A person as everybody may see them who may see them at all. */
export interface User {
  readonly id: string
  readonly email: string
  /** Somebody has shown that mail to this address reaches them. */
  readonly emailVerified: boolean
  readonly name: string
  readonly roles: readonly Role[]
}

export type AccountRefusal = Refusal<'user.email-invalid' | 'user.name-invalid'>

/** One address has one spelling, however it is typed: no blanks around it, lower case, composed characters. */
export const normaliseEmail = (text: string): string => text.trim().toLowerCase().normalize('NFC')

/** No blanks, no control characters and nothing that has a meaning in a mail header (RFC 5322, section 3.2.3). */
const EMAIL = /^[^\s\p{C}@<>()[\]\\,;:"]{1,64}@[^\s\p{C}@<>()[\]\\,;:"]+\.[^\s\p{C}@<>()[\]\\,;:".]+$/u
const LONGEST_EMAIL = 254

export function parseEmail(text: string): Result<string, AccountRefusal> {
  const email = normaliseEmail(text)
  return EMAIL.test(email) && email.length <= LONGEST_EMAIL
    ? ok(email)
    : refuse('user.email-invalid', 'This is not an e-mail address such as ada@example.com')
}

/** Line breaks and other control characters, and halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u

export function parseName(text: string): Result<string, Refusal<'user.name-invalid'>> {
  const name = text.trim().normalize('NFC')
  return name !== '' && !UNPRINTABLE.test(name)
    ? ok(name)
    : refuse('user.name-invalid', 'A name is one line of text and not empty')
}

/** The roles in their usual order, each once. */
export const tidyRoles = (roles: readonly Role[]): readonly Role[] => allRoles.filter((role) => roles.includes(role))
