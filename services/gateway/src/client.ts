import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { clientBehind, type IsTrusted } from '@micromart/http-kit/client-address'

/** Who is at the other end of a request, behind our own proxies. */
export interface Client {
  readonly address: string
  /** They came by TLS, which ends at a proxy of ours. */
  readonly isSecure: boolean
}

/** Whom a request comes from. `X-Forwarded-*` counts when our own proxies wrote it, and is nothing but words otherwise. */
export function clientsBehind(isTrusted: IsTrusted): (request: IncomingMessage) => Client {
  // most connections bring many requests, and it is the same peer each time
  const peers = new WeakMap<Socket, { readonly client: Client; readonly isProxy: boolean }>()
  const peerOf = (socket: Socket) => {
    const known = peers.get(socket)
    if (known) return known
    const address = clientBehind(socket.remoteAddress ?? '', undefined, isTrusted)
    const peer = { client: { address, isSecure: false }, isProxy: isTrusted(address) }
    peers.set(socket, peer)
    return peer
  }
  return ({ socket, headers }) => {
    const { client, isProxy } = peerOf(socket)
    if (!isProxy) return client
    return {
      address: clientBehind(client.address, joined(headers['x-forwarded-for']), isTrusted),
      isSecure: joined(headers['x-forwarded-proto'])?.split(',').at(-1)?.trim().toLowerCase() === 'https',
    }
  }
}

const joined = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(',') : value)
