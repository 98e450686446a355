import { dictionary } from '@zxcvbn-ts/language-common'
import { type IsCommonPassword, SHORTEST_PASSWORD } from '../domain/password.ts'

/**
 * The list of zxcvbn-ts, made from published leaks and ordered by how often each was found: about 18,000 of those that are long enough
 * to be chosen here. ASVS 5.0 (6.2.4) asks for 3,000 at least.
 */
export const isCommonPassword: IsCommonPassword = (password) => known.has(password)

const known: ReadonlySet<string> = new Set(
  dictionary['passwords-common'].filter((password) => password.length >= SHORTEST_PASSWORD),
)
