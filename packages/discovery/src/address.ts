import { ok, type Result, refuse } from '@micromart/kernel/result'

/** What one address of a configuration says about where instances are found. */
export type Address =
  | { readonly kind: 'static'; readonly url: string }
  | { readonly kind: 'dns'; readonly name: string; readonly port: number }
  | { readonly kind: 'dns-srv'; readonly name: string }
  | ConsulAddress

export interface ConsulAddress {
  readonly kind: 'consul'
  /** Of the agent's HTTP API. */
  readonly agent: string
  readonly service: string
  /** An instance must have all of them. */
  readonly tags: readonly string[]
  readonly datacenter: string | undefined
}

type Parsed = Result<Address>

const FORMS = 'http://host:port, dns:name:port, dns+srv:name or consul://agent:port/service'

const unknown = (text: string, why = `is none of ${FORMS}`) => refuse('discovery.bad-address', `"${text}" ${why}`)

/**
 * Reads one address: `http://host:port` (or with `static:` before it), `dns:name:port` for A and AAAA records, `dns+srv:name` for SRV
 * records, `consul://agent:port/service?tag=t&dc=d` (`consul+https:` for an agent behind TLS).
 */
export function parseAddress(given: string): Parsed {
  const text = given.startsWith('static:') ? given.slice('static:'.length) : given
  if (/^https?:\/\//.test(text)) return parseStatic(text)
  if (text !== given) return unknown(given)
  if (text.startsWith('dns:')) return parseDns(text)
  if (text.startsWith('dns+srv:')) return parseSrv(text)
  return /^consul(?:\+https)?:\/\//.test(text) ? parseConsul(text) : unknown(text)
}

function parseStatic(text: string): Parsed {
  if (!URL.canParse(text)) return unknown(text)
  const { origin, pathname, search, username } = new URL(text)
  if (pathname !== '/' || search !== '' || username !== '') return unknown(text, 'may have only a host and a port')
  return ok({ kind: 'static', url: origin })
}

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9.])?$/

function parseDns(text: string): Parsed {
  const [, name = '', port = ''] = /^dns:([^:]+):(\d{1,5})$/.exec(text) ?? []
  if (!HOST_NAME.test(name) || Number(port) < 1 || Number(port) > 65_535) return unknown(text, 'is not dns:name:port')
  return ok({ kind: 'dns', name, port: Number(port) })
}

function parseSrv(text: string): Parsed {
  const name = text.slice('dns+srv:'.length)
  return HOST_NAME.test(name) ? ok({ kind: 'dns-srv', name }) : unknown(text, 'is not dns+srv:name')
}

const CONSUL_PARAMETERS = ['tag', 'dc']

function parseConsul(text: string): Parsed {
  if (!URL.canParse(text)) return unknown(text)
  const url = new URL(text)
  const service = url.pathname.slice(1)
  if (!/^[A-Za-z0-9._-]+$/.test(service)) return unknown(text, 'names no service: consul://agent:port/service')
  const strange = [...url.searchParams.keys()].find((name) => !CONSUL_PARAMETERS.includes(name))
  if (strange !== undefined)
    return unknown(text, `has the parameter ${strange}; there are ${CONSUL_PARAMETERS.join(', ')}`)
  return ok({
    kind: 'consul',
    agent: agentOf(url),
    service,
    tags: url.searchParams.getAll('tag'),
    datacenter: url.searchParams.get('dc') ?? undefined,
  })
}

const DEFAULT_AGENT_PORT = '8500'

/** The HTTP address of the agent that a consul URL names. */
export const agentOf = ({ protocol, hostname, port }: URL): string =>
  `${protocol === 'consul+https:' ? 'https' : 'http'}://${hostname}:${port || DEFAULT_AGENT_PORT}`

/** The base URL of an instance; IPv6 addresses get their brackets. */
export const instanceUrl = (host: string, port: number): string =>
  `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
