import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

/** Longer chains of proxies than this are somebody's invention. */
const MOST_HOPS = 16

/** Whether a peer is one of our own proxies, so that its word about the client counts. */
export type IsTrusted = (address: string) => boolean

/** Addresses and networks in CIDR notation, such as `10.0.0.0/8` or `fd00::/8`. */
export function trustedProxies(networks: readonly string[]): IsTrusted {
  if (networks.length === 0) return () => false
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** What is wrong with a list of networks, in words; empty when nothing is. */
export const networkFaults = (networks: readonly string[]): readonly string[] =>
  networks.flatMap((network) =>
    isNetwork(network) ? [] : [`"${network}" is not an address or a network like 10.0.0.0/8`],
  )

function isNetwork(network: string): boolean {
  const [address = '', bits, ...more] = network.split('/')
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1
  if (most < 0 || more.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most)
}

/**
 * Who is at the other end: the peer itself or, if that is one of our proxies, the last address of X-Forwarded-For that is not. Each proxy
 * appends the peer it saw, so that only what our own proxies wrote is believed and whatever a client writes there comes before it.
 * A word that is no address ends the search: then the proxy that wrote it down stands for its clients.
 */
export function clientBehind(peer: string, forwardedFor: string | undefined, isTrusted: IsTrusted): string {
  let client = plainAddress(peer) ?? peer
  if (forwardedFor === undefined || !isTrusted(client)) return client
  const hops = forwardedFor.split(',')
  for (let index = hops.length - 1; index >= Math.max(0, hops.length - MOST_HOPS); index -= 1) {
    const address = plainAddress((hops[index] ?? '').trim())
    if (address === undefined) return client
    client = address
    if (!isTrusted(client)) return client
  }
  return client
}

/** The client of a request inside of the house, where the gateway has set X-Forwarded-For anew: one address. */
export function forwardedAddress(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['x-forwarded-for']
  const last = (Array.isArray(given) ? given.at(-1) : given)?.split(',').at(-1)
  return last === undefined ? undefined : plainAddress(last.trim())
}

/** Without port, brackets and zone, and IPv4 as IPv4 (RFC 4291, section 2.5.5.2); undefined for what is no address. */
function plainAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  const [, bracketed, withPort] = /^\[([^\]]+)\](?::\d+)?$|^([\d.]+):\d+$/.exec(text) ?? []
  const address = (bracketed ?? withPort ?? text).replace(/%.*$/, '').toLowerCase()
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address
  return isIP(mapped) === 0 ? undefined : mapped
}

/**
 * What an address is counted under. Whoever has one address of IPv6 has 2^64 of them (RFC 6177), so there it is the network of 64 bits,
 * written in one way only.
 */
export function limitKey(address: string): string {
  if (!address.includes(':') || !isIPv6(address)) return address
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  // an IPv4 address at the end stands for two groups; it is never among the first four, for mapped ones are IPv4 by now
  const given = before.length + after.length + (address.includes('.') ? 1 : 0)
  const groups = tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - given)).fill('0'), ...after]
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
