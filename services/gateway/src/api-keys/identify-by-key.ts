import { API_KEY_PREFIX } from '@micromart/contracts/api-key'
import type { Caller } from '@micromart/http-kit/identity'
import { kitProblem } from '@micromart/http-kit/problem'
import type { Exchange } from '../exchange.ts'
import type { Admitted, ApiKeys } from './key-exchange.ts'

export const isApiKey = (token: string): boolean => token.startsWith(API_KEY_PREFIX)

/**
 * Who is behind the API key of a request; from here on the request carries an access token in its place. At once for a key that is known.
 * @param mayGuess false while too much that is no good has come from there: then user is not asked about a key that nobody knows
 * @throws ProblemError 401 or 503
 */
export function identifyByKey(
  keys: ApiKeys,
  { headers }: Pick<Exchange, 'headers'>,
  { key, mayGuess }: { key: string; mayGuess: () => boolean },
): Caller | Promise<Caller> {
  const enter = ({ caller, authorization }: Admitted) => {
    headers.authorization = authorization
    return caller
  }
  const known = keys.find(key)
  if (known) return enter(known)
  if (!mayGuess()) throw kitProblem('auth.invalid-token', 'Too many keys and tokens that are not good came from here')
  return keys.ask(key).then(enter)
}
