import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'

/** Counted in characters as people see code points: NIST SP 800-63B, 3.1.1.2. */
export const SHORTEST_PASSWORD = 8
export const LONGEST_PASSWORD = 200

export type PasswordRefusal = Refusal<'user.password-too-common'>

/** True for what is tried first by everybody who guesses, here or anywhere; given in lower case. */
export type IsCommonPassword = (password: string) => boolean

/**
 * Refuses what is guessed within the first tries: passwords on everybody's list, one character again and again, and what the account itself
 * tells. There are no rules on kinds of characters (NIST SP 800-63B: they make passwords worse); length is checked with the request's form.
 */
export function checkPassword(
  password: string,
  { email, name, isCommon }: { email: string; name: string; isCommon: IsCommonPassword },
): Result<void, PasswordRefusal> {
  const typed = password.normalize('NFKC').trim().toLowerCase()
  const [local = '', domain = ''] = email.split('@')
  const known = [email, local, domain, name.normalize('NFKC').toLowerCase()]
  const isGuessable = isCommon(typed) || known.includes(typed) || new Set(typed).size < 3
  return isGuessable
    ? refuse(
        'user.password-too-common',
        'This password is among the first that others would try; choose another one, such as a few words in a row',
      )
    : ok(undefined)
}
