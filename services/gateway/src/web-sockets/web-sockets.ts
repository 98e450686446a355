import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { limitKey } from '@micromart/http-kit/client-address'
import type { Caller } from '@micromart/http-kit/identity'
import { ProblemError } from '@micromart/http-kit/problem'
import { type Exchange, GatewayResponse, type Work } from '../exchange.ts'
import type { Forwarder } from '../forwarder.ts'
import { overloaded } from '../service-guard.ts'
import { handshakeFault, isFriend, upgradeRequired } from './handshake.ts'
import { switchingAnswer } from './switching-answer.ts'
import { closeCodes, openTunnel, type Tunnel } from './tunnel.ts'

/** WebSockets that pass through here. Their handshakes go the way of every request, and come here where other requests go to a service. */
export interface WebSockets {
  /** Takes over the connections of handshakes. */
  serve(server: Server<typeof IncomingMessage, typeof GatewayResponse>): void
  /** Asks the service; what it answers instead of yes is an ordinary answer. @throws ProblemError for what is no handshake, and when there are too many */
  open(exchange: Exchange, forward: Forwarder['forward']): Work
  /** Handshakes and open ones. */
  count(): number
  /** Ends those that say nothing, and those of sessions that are over; it happens by itself each second. */
  sweep(nowMs: number): void
  /** Tells all that are open to go elsewhere. */
  endAll(): void
  /** Ends them all, and those too that are only about to open. */
  close(): void
  /** Waits for nobody any more. */
  cutAll(): void
}

export interface WebSocketOptions {
  readonly most: number
  /** For one address, behind trusted proxies too. */
  readonly mostPerAddress: number
  /** One on which nothing was sent for so long, in either direction, is ended. */
  readonly idleMs: number
  /** Of pages that may open one, beside those that come from here. */
  readonly knowsOrigin: (origin: string) => boolean
  /** Whether the session of a caller has ended. */
  readonly isOver: (caller: Caller) => boolean
}

interface Place {
  readonly client: Socket
  readonly exchange: Exchange
  tunnel: Tunnel | undefined
  bytes: number
  /** By the time of the sweeps. */
  activeAtMs: number | undefined
}

const SWEEP_EVERY_MS = 1_000

const tooMany = () =>
  new ProblemError(429, {
    code: 'web-socket.too-many',
    detail: 'There are too many WebSockets open from here; close one first',
  })

export function createWebSockets(options: WebSocketOptions): WebSockets {
  const { most, mostPerAddress, idleMs, knowsOrigin, isOver } = options
  const clients = new WeakMap<GatewayResponse, Socket>()
  const places = new Set<Place>()
  const perAddress = new Map<string, number>()
  let isClosing = false

  const take = (exchange: Exchange, client: Socket): Place => {
    const key = limitKey(exchange.address)
    const own = perAddress.get(key) ?? 0
    if (places.size >= most) throw overloaded()
    if (own >= mostPerAddress) {
      exchange.said.push('retry-after', '5')
      throw tooMany()
    }
    const place = { client, exchange, tunnel: undefined, bytes: 0, activeAtMs: undefined }
    places.add(place)
    perAddress.set(key, own + 1)
    client.once('close', () => {
      places.delete(place)
      const left = (perAddress.get(key) ?? 1) - 1
      if (left === 0) perAddress.delete(key)
      else perAddress.set(key, left)
    })
    return place
  }

  const look = (place: Place, nowMs: number) => {
    const { tunnel, exchange } = place
    if (!tunnel) return // handshakes have a deadline
    if (isOver(exchange.caller)) return tunnel.end(closeCodes.notAllowed)
    const bytes = tunnel.bytes()
    if (bytes !== place.bytes) place.activeAtMs = undefined
    place.bytes = bytes
    place.activeAtMs ??= nowMs
    if (nowMs - place.activeAtMs >= idleMs) tunnel.end(closeCodes.goingAway)
  }
  const sweep = (nowMs: number) => {
    for (const place of places) look(place, nowMs)
  }
  const endAll = () => {
    for (const { tunnel } of places) tunnel?.end(closeCodes.goingAway)
  }
  const timer = setInterval(() => sweep(performance.now()), SWEEP_EVERY_MS).unref()

  return {
    serve: (server) => {
      server.on('upgrade', (request, stream, early) => {
        const client = stream as Socket
        client.on('error', () => client.destroy())
        // who does not wait for the answer speaks no WebSocket (RFC 6455, section 4.1), and may want to smuggle something
        if (early.length > 0) return client.destroy()
        const response = new GatewayResponse(request)
        response.assignSocket(client)
        response.shouldKeepAlive = false
        response.once('finish', () => client.resume().end())
        clients.set(response, client)
        server.emit('request', request, response)
      })
    },
    open: (exchange, forward) => {
      const client = clients.get(exchange.response)
      if (!client) throw upgradeRequired(exchange)
      const fault = handshakeFault(exchange)
      if (fault) throw fault
      if (!isFriend(exchange.headers, knowsOrigin)) throw stranger()
      const place = take(exchange, client)
      const answer = switchingAnswer(exchange, client, (service) => {
        place.tunnel = openTunnel(client, service)
        if (isClosing) place.tunnel.end(closeCodes.goingAway)
      })
      return forward(exchange, answer)
    },
    count: () => places.size,
    sweep,
    endAll,
    close: () => {
      isClosing = true
      clearInterval(timer)
      endAll()
    },
    cutAll: () => {
      for (const { client, tunnel } of places) {
        client.destroy()
        tunnel?.cut()
      }
    },
  }
}

const stranger = () =>
  new ProblemError(403, {
    code: 'cors.origin-unknown',
    detail: 'Pages of this origin may not open a WebSocket here; the operator lists those that may in CORS_ORIGINS',
  })
