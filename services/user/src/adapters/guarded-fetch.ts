import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, request } from 'undici'
import { isPublicAddress } from './public-addresses.ts'

const CONNECT_MS = 2_000
const ANSWER_MS = 4_000
/** Discovery documents, key sets and tokens are a few KiB. */
const MOST_BYTES = 256 * 1024

/** Why an answer was not taken: it came from where we do not ask, or was too large. */
class FetchRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'FetchRefused'
  }
}

interface FetchOptions {
  readonly method?: string | undefined
  readonly headers?: Record<string, string> | undefined
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

export interface GuardedFetch {
  fetch(url: string, options?: FetchOptions): Promise<Response>
  close(): Promise<void>
}

/**
 * Asks the public internet and no other network, whatever a document or a name server says (SSRF): the address is checked where the connection is
 * made, so a name cannot change its mind in between. No redirects, four seconds, 256 KiB.
 */
export function createGuardedFetch(options: {
  /** A host from the configuration that may be on a private network. */
  trustedHost?: string
  /** Plain HTTP too, to the trusted host alone; for development. */
  allowHttp?: boolean
  /** Default four seconds. */
  answerMs?: number
  lookup?: LookupFunction
}): GuardedFetch {
  const { trustedHost, answerMs = ANSWER_MS, lookup = systemLookup as LookupFunction } = options
  const agent = new Agent({
    connect: { timeout: CONNECT_MS, lookup: guarded(lookup, trustedHost) },
    headersTimeout: answerMs,
    bodyTimeout: answerMs,
    maxResponseSize: MOST_BYTES,
  })
  const check = (url: URL) => {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const isTrusted = url.hostname === trustedHost
    if (url.protocol !== 'https:' && !(isTrusted && options.allowHttp && url.protocol === 'http:'))
      throw new FetchRefused('only https is asked')
    // a connection to a bare address looks nothing up
    if (!isTrusted && isIP(host) !== 0 && !isPublicAddress(host)) throw notPublic(host)
  }
  return {
    fetch: async (address, { method = 'GET', headers = {}, body, signal } = {}) => {
      const url = new URL(address)
      check(url)
      const time = AbortSignal.timeout(answerMs)
      const answer = await request(url, {
        dispatcher: agent,
        method: method as 'GET',
        headers,
        body: body === undefined || body === null ? null : String(body),
        signal: signal ? AbortSignal.any([signal, time]) : time,
      })
      const bytes = await answer.body.bytes()
      const hasBody = ![204, 205, 304].includes(answer.statusCode)
      const known = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as [string, string])
      return new Response(hasBody ? bytes : null, { status: answer.statusCode, headers: known })
    },
    close: () => agent.close(),
  }
}

const notPublic = (host: string) => new FetchRefused(`${host} is not on the public internet`)

function guarded(lookup: LookupFunction, trustedHost: string | undefined): LookupFunction {
  const allowed = (hostname: string, options: LookupOptions) =>
    new Promise<readonly [LookupAddress, ...LookupAddress[]]>((resolve, reject) => {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        const [first, ...others] = Array.isArray(found) ? found : []
        const isPublic = [first, ...others].every((one) => one && isPublicAddress(one.address))
        if (first && (isPublic || hostname === trustedHost)) resolve([first, ...others])
        else reject(error ?? notPublic(hostname))
      })
    })
  return (hostname, options: LookupOptions, done) => {
    allowed(hostname, options).then(
      (addresses) => (options.all ? done(null, [...addresses]) : done(null, addresses[0].address, addresses[0].family)),
      (error) => done(error, []),
    )
  }
}
