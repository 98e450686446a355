/** Programs read our answers: a browser that shows one as a page may load, frame and refer to nothing. */
const EVERY_ANSWER = [
  ...['x-content-type-options', 'nosniff'],
  ...['referrer-policy', 'no-referrer'],
  ...['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ...['cross-origin-resource-policy', 'same-origin'],
]
const NO_STORE = ['cache-control', 'no-store']

export interface AnswerKind {
  /** The client came by TLS. */
  readonly isSecure: boolean
  /** It is somebody's own; see `isPersonal`. */
  readonly isPersonal: boolean
}

/**
 * What an answer says unless its maker says otherwise: header names in lower case and values in turn. See OWASP Secure Headers and ASVS 5.0,
 * chapter 3.4. An answer to somebody who showed a token or the key of a cart is `no-store`: no cache on the way, nor the browser's,
 * keeps it.
 * @param hstsS how long a browser comes by TLS only, in seconds; said only over TLS (RFC 6797, section 7.2), 0 for never
 */
export function securityHeaders({ hstsS }: { hstsS: number }): (kind: AnswerKind) => readonly string[] {
  const hsts = hstsS > 0 ? ['strict-transport-security', `max-age=${hstsS}; includeSubDomains`] : []
  const personal = [...EVERY_ANSWER, ...NO_STORE]
  const secure = [...EVERY_ANSWER, ...hsts]
  const securePersonal = [...personal, ...hsts]
  return ({ isSecure, isPersonal: isOwn }) => {
    if (isSecure) return isOwn ? securePersonal : secure
    return isOwn ? personal : EVERY_ANSWER
  }
}

/** What makes an answer somebody's own: it was asked for with a token, the key of a cart, or a cookie. */
export const isPersonal = (headers: {
  readonly authorization?: string | undefined
  readonly cookie?: string | undefined
  readonly 'cart-token'?: string | string[] | undefined
}): boolean =>
  headers.authorization !== undefined || headers['cart-token'] !== undefined || headers.cookie !== undefined
