import type { Ask } from './exchange.ts'
import { firstOf } from './header-list.ts'

/** Headers of one connection only (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** Headers that only the gateway itself may set: from outside they would be lies. */
const OURS =
  /^(?:x-user-|x-micromart-|x-forwarded-|forwarded$|x-real-ip$|x-request-id$|x-deadline-ms$|traceparent$|x-http-method|x-method-override$|expect$)/

/** Which headers do not go on; names that were seen once are looked up. */
const dropped = new Map<string, boolean>(HOP_BY_HOP.map((name) => [name, true]))
/** Clients may invent names, so not all are remembered. */
const MOST_KNOWN = 1_000

function isDropped(name: string): boolean {
  const known = dropped.get(name)
  if (known !== undefined) return known
  const found = OURS.test(name)
  if (dropped.size < MOST_KNOWN) dropped.set(name, found)
  return found
}

/** What a client need not know: it says nothing to a visitor, and much to an attacker. */
const TELLTALES = ['server', 'x-powered-by', 'x-aspnet-version', 'x-runtime', 'via']
const isKeptHere = new Set([...HOP_BY_HOP, ...TELLTALES])

/** The headers that a Connection header names, but for the two words that name none. */
function namedBy(connection: string | undefined): readonly string[] | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  return connection.split(',').map((name) => name.trim().toLowerCase())
}

/**
 * What the service gets, names and values in turn: the client's headers without lies and hop-by-hop ones, from where and under which id
 * the request came, and how long an answer is waited for. Made of what the gateway itself has read, never of the raw bytes.
 */
export function requestHeaders(
  { headers, context, address, isSecure }: Pick<Ask, 'headers' | 'context' | 'address' | 'isSecure'>,
  deadlineMs: number,
): string[] {
  const passed: string[] = []
  const named = namedBy(headers.connection)
  for (const name in headers) {
    const value = headers[name]
    if (value === undefined || isDropped(name) || named?.includes(name)) continue
    if (typeof value === 'string') passed.push(name, value)
    else for (const each of value) passed.push(name, each)
  }
  passed.push(
    'x-request-id',
    context.correlationId,
    'traceparent',
    context.traceparent,
    'x-forwarded-for',
    address,
    'x-forwarded-host',
    headers.host ?? '',
    'x-forwarded-proto',
    schemeOf(isSecure),
  )
  if (deadlineMs !== Number.POSITIVE_INFINITY) passed.push('x-deadline-ms', String(Math.max(1, Math.ceil(deadlineMs))))
  return passed
}

const schemeOf = (isSecure: boolean | undefined) => (isSecure === true ? 'https' : 'http')

/** What the client gets of the service's headers, names and values in turn. */
export function responseHeaders(headers: readonly string[]): string[] {
  const passed: string[] = []
  const named = namedBy(firstOf(headers, 'connection'))
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? ''
    if (!isKeptHere.has(name) && !named?.includes(name)) passed.push(name, headers[index + 1] ?? '')
  }
  return passed
}
