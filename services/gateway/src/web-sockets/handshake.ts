import { hash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { kitProblem, ProblemError } from '@micromart/http-kit/problem'
import type { Exchange } from '../exchange.ts'
import { firstOf } from '../header-list.ts'
import type { FindRoute } from '../router.ts'

const VERSION = '13'
/** RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

const speaksWebSocket = ({ upgrade }: { readonly upgrade?: string | undefined }): boolean =>
  upgrade?.toLowerCase() === 'websocket'

/** Whether a request asks for a WebSocket where there is one; whatever else wants to change the protocol is a request like any other. */
export function isHandshake({ method, url = '/', headers }: IncomingMessage, findRoute: FindRoute): boolean {
  if (method !== 'GET' || !speaksWebSocket(headers) || hasBody(headers)) return false
  const query = url.indexOf('?')
  const match = findRoute('GET', query < 0 ? url : url.slice(0, query))
  return match !== undefined && 'route' in match && match.route.isWebSocket === true
}

const hasBody = (headers: IncomingHttpHeaders) =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** The address is there, and wants another protocol (RFC 9110, section 15.5.22). */
export function upgradeRequired({ said }: Pick<Exchange, 'said'>): ProblemError {
  said.push('upgrade', 'websocket', 'connection', 'Upgrade', 'sec-websocket-version', VERSION)
  return new ProblemError(426, {
    code: 'request.upgrade-required',
    detail: `This address speaks WebSocket, version ${VERSION}, and nothing else`,
  })
}

/** What is wrong with a handshake (RFC 6455, section 4.2.1); undefined for a good one. */
export function handshakeFault({ headers, said }: Pick<Exchange, 'headers' | 'said'>): ProblemError | undefined {
  if (headers['sec-websocket-version'] !== VERSION) return upgradeRequired({ said })
  if (KEY.test(headers['sec-websocket-key'] ?? '')) return undefined
  return kitProblem('request.malformed', 'The handshake has no good Sec-WebSocket-Key')
}

/** Whether the other side has said yes to this handshake, and not to another. */
export function isAccepted(asked: IncomingHttpHeaders, answered: readonly string[]): boolean {
  const expected = hash('sha1', `${asked['sec-websocket-key']}${GUID}`, 'base64')
  return (
    speaksWebSocket({ upgrade: firstOf(answered, 'upgrade') }) && firstOf(answered, 'sec-websocket-accept') === expected
  )
}

/**
 * Browsers let every page open a WebSocket to everywhere and send the cookies along, so a page is let in only from here or from the
 * origins that may call the shop (RFC 6455, section 10.2). Programs say no origin.
 */
export function isFriend({ origin, host }: IncomingHttpHeaders, knowsOrigin: (origin: string) => boolean): boolean {
  if (origin === undefined || knowsOrigin(origin)) return true
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}
