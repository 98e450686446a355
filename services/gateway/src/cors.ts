import type { IncomingMessage } from 'node:http'

/** Header names in lower case and values in turn. */
type Fields = readonly string[]

/** Cross-origin resource sharing (Fetch Standard, section 3.2): which pages of other origins may read our answers. */
export interface Cors {
  /** Some origin is let in. */
  readonly isOpen: boolean
  readonly knows: (origin: string) => boolean
  /** For every answer; `Vary: Origin` also when this origin gets nothing, so that caches keep them apart. */
  fieldsFor(origin: string | undefined): Fields
  /** For the question before the request; undefined for an origin that is not on the list. */
  preflightFor(origin: string, methods: readonly string[]): Fields | undefined
}

const REQUEST_HEADERS = [
  'authorization',
  'content-type',
  'accept-language',
  'cart-token',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'traceparent',
  'x-request-id',
].join(', ')
const EXPOSED_HEADERS = [
  'etag',
  'location',
  'idempotency-replayed',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'www-authenticate',
  'x-request-id',
].join(', ')
/** How long a browser need not ask again, in seconds; Chromium keeps no longer than two hours. */
const PREFLIGHT_S = '7200'

const NOTHING: Fields = []
const CLOSED: Cors = { isOpen: false, knows: () => false, fieldsFor: () => NOTHING, preflightFor: () => undefined }

/**
 * @param origins exact origins such as `https://shop.example`, or `*` for any; empty for none
 * @param credentials whether browsers may send cookies along; never with `*`
 */
export function createCors({ origins, credentials }: { origins: readonly string[]; credentials: boolean }): Cors {
  if (origins.length === 0) return CLOSED
  const anyone = origins.includes('*')
  const vary: Fields = anyone ? [] : ['vary', 'Origin']
  const allowed = (origin: string): Fields => [
    'access-control-allow-origin',
    anyone ? '*' : origin,
    ...(credentials && !anyone ? ['access-control-allow-credentials', 'true'] : []),
  ]
  const known = new Map(
    origins.map((origin) => [origin, [...vary, ...allowed(origin), 'access-control-expose-headers', EXPOSED_HEADERS]]),
  )

  const knows = (origin: string) => anyone || known.has(origin)
  return {
    isOpen: true,
    knows,
    fieldsFor: (origin) => (origin === undefined ? undefined : known.get(anyone ? '*' : origin)) ?? vary,
    preflightFor: (origin, methods) =>
      knows(origin)
        ? [
            ...allowed(origin),
            ...['vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'],
            ...['access-control-allow-methods', methods.join(', ')],
            ...['access-control-allow-headers', REQUEST_HEADERS],
            ...['access-control-max-age', PREFLIGHT_S],
          ]
        : undefined,
  }
}

/** A browser's question whether a page may send a request; other OPTIONS are not. */
export const isPreflight = ({ method, headers }: IncomingMessage): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined

/** What is wrong with a list of origins, in words; empty when nothing is. */
export function originFaults(origins: readonly string[], credentials: boolean): readonly string[] {
  const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text && !text.includes('*')
  const wrong = origins.filter((origin) => origin !== '*' && !isOrigin(origin))
  return [
    ...wrong.map(
      (origin) => `CORS_ORIGINS: "${origin}" is not an origin like https://shop.example (no path, no slash at the end)`,
    ),
    ...(credentials && origins.includes('*')
      ? ['CORS_CREDENTIALS is true: then every origin must be named, * would let any page act for whoever is signed in']
      : []),
  ]
}
