/** What every answer has unless its maker has said it: programs read them, and a browser that shows one may load, frame and refer to nothing. */
const EVERY_ANSWER = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['cross-origin-resource-policy', 'same-origin'],
] as const
const NO_STORE = ['cache-control', 'no-store'] as const

/** Says nothing to a visitor, and much to an attacker. */
const TELLTALES = new Set(['server', 'x-powered-by', 'x-aspnet-version', 'x-runtime', 'via'])

export interface AnswerKind {
  /** The client came by TLS. */
  readonly isSecure: boolean
  /** It is somebody's own; see `isPersonal`. */
  readonly isPersonal: boolean
}

/**
 * Adds to an answer's headers (names in lower case and values in turn) what is missing, and takes away what tells of the inside. See OWASP
 * Secure Headers and ASVS 5.0, chapter 3.4. An answer to somebody who showed a token or the key of a cart is `no-store` unless its
 * maker says otherwise: no cache on the way, nor the browser's, keeps it.
 */
export type SecureHeaders = (headers: string[], kind: AnswerKind) => void

/** @param hstsS how long a browser comes by TLS only, in seconds; said only over TLS (RFC 6797, section 7.2), 0 for never */
export function secureHeaders({ hstsS }: { hstsS: number }): SecureHeaders {
  const hsts = ['strict-transport-security', `max-age=${hstsS}; includeSubDomains`] as const
  const kinds = [false, true].flatMap((isSecure) =>
    [false, true].map((isPersonal) => [
      ...EVERY_ANSWER,
      ...(isPersonal ? [NO_STORE] : []),
      ...(isSecure && hstsS > 0 ? [hsts] : []),
    ]),
  )
  return (headers, { isSecure, isPersonal }) => {
    removeTelltales(headers)
    const length = headers.length
    for (const [name, value] of kinds[(isSecure ? 2 : 0) + (isPersonal ? 1 : 0)] ?? [])
      if (!hasField(headers, name, length)) headers.push(name, value)
  }
}

function removeTelltales(headers: string[]) {
  for (let index = headers.length - 2; index >= 0; index -= 2)
    if (TELLTALES.has(headers[index] ?? '')) headers.splice(index, 2)
}

function hasField(headers: readonly string[], name: string, length: number): boolean {
  for (let index = 0; index < length; index += 2) if (headers[index] === name) return true
  return false
}

/** What makes an answer somebody's own: it was asked for with a token, the key of a cart, or a cookie. */
export const isPersonal = (headers: {
  readonly authorization?: string | undefined
  readonly cookie?: string | undefined
  readonly 'cart-token'?: string | string[] | undefined
}): boolean =>
  headers.authorization !== undefined || headers['cart-token'] !== undefined || headers.cookie !== undefined
