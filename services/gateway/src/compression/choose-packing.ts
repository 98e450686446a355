export type Encoding = 'br' | 'gzip'

/** What is known of an answer before its body comes. */
export interface AnswerHead {
  /** Of the request. */
  readonly method: string
  readonly status: number
  /** Asked for with a token, the key of a cart, or a cookie: packed only if the answer itself says that it is for everybody. */
  readonly isPersonal: boolean
  /** Names in lower case and values in turn. */
  readonly headers: readonly string[]
}

/** Below this a body fits into one packet either way, and packing costs more than it saves. */
const LEAST_BYTES = 1_024
const PAYS =
  /^(?:text\/(?!event-stream)|application\/(?:[\w.+-]*\+)?(?:json|xml)\b|application\/javascript\b|image\/svg\+xml\b)/i
const BODILESS = new Set([204, 206, 304])
const NEVER_WITH = new Set(['content-encoding', 'content-range', 'set-cookie'])
const FOR_ALL = /(?:^|[\s,])public(?:$|[\s,])/i
const KEPT_AS_IT_IS = /(?:^|[\s,])(?:no-store|private|no-transform)(?:$|[\s,=])/i

/**
 * Whether an answer may be packed at all, so that it varies with Accept-Encoding. Not what is personal: where a secret is packed together
 * with something that an attacker chose, the length gives it away (BREACH, CVE-2013-3587), and personal answers are short. Not parts
 * of an answer, nor what is packed already, nor streams of events.
 */
export function isPackable({ method, status, headers, isPersonal }: AnswerHead): boolean {
  if (method === 'HEAD' || status < 200 || BODILESS.has(status)) return false
  let pays = false
  let isForAll = !isPersonal
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = [headers[index], headers[index + 1]]
    if (forbids(name, value)) return false
    isForAll ||= name === 'cache-control' && FOR_ALL.test(value)
    pays ||= name === 'content-type' && PAYS.test(value)
  }
  return pays && isForAll
}

const forbids = (name: string, value: string): boolean =>
  NEVER_WITH.has(name) ||
  (name === 'cache-control' && KEPT_AS_IT_IS.test(value)) ||
  (name === 'content-length' && Number(value) < LEAST_BYTES)

const MOST_REMEMBERED = 200
const remembered = new Map<string, Encoding | undefined>()

/** The packing that the client likes best, of those that we have; undefined for none (RFC 9110, section 12.5.3). */
export function acceptedEncoding(acceptEncoding: string | undefined): Encoding | undefined {
  if (acceptEncoding === undefined || acceptEncoding.length > 200) return undefined
  if (remembered.has(acceptEncoding)) return remembered.get(acceptEncoding)
  const chosen = choose(acceptEncoding)
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  remembered.set(acceptEncoding, chosen)
  return chosen
}

function choose(acceptEncoding: string): Encoding | undefined {
  const weights = new Map(acceptEncoding.split(',').map(weightOf))
  const weight = (name: string) => weights.get(name) ?? weights.get('*') ?? 0
  const [br, gzip] = [weight('br'), Math.max(weight('gzip'), weights.get('x-gzip') ?? 0)]
  const identity = weights.get('identity') ?? 0
  if (Math.max(br, gzip) === 0 || Math.max(br, gzip) < identity) return undefined
  return br >= gzip ? 'br' : 'gzip'
}

function weightOf(item: string): readonly [name: string, weight: number] {
  const [name = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase())
  const q = parameters.find((parameter) => parameter.startsWith('q='))
  const weight = q === undefined ? 1 : /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(q) ? Number(q.slice(2)) : 0
  return [name, weight]
}

/** The headers of the packed answer: another length, and no longer the same bytes for the same strong ETag (RFC 9110, section 8.8.3.3). */
export function packedHeaders(headers: readonly string[], encoding: Encoding): string[] {
  const packed: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = [headers[index], headers[index + 1]]
    if (name === 'content-length' || name === 'accept-ranges') continue
    packed.push(name, name === 'etag' && !value.startsWith('W/') ? `W/${value}` : value)
  }
  packed.push('content-encoding', encoding)
  return packed
}

/** Adds a name to Vary, unless it is there. */
export function addVary(headers: string[], name: string): void {
  for (let index = 0; index < headers.length; index += 2)
    if (headers[index] === 'vary') {
      const names = (headers[index + 1] ?? '').toLowerCase().split(/\s*,\s*/)
      if (names.includes('*') || names.includes(name.toLowerCase())) return
    }
  headers.push('vary', name)
}
