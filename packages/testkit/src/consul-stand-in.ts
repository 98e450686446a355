import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/**
 * Not Consul: a small server that speaks the few paths of its HTTP API that this project uses, written from Consul's public documentation,
 * because the real agent cannot be had where this is built. It keeps blocking queries, indexes, TTL checks with their critical state and the
 * deregistration of what is critical for too long; it has no cluster, no gossip, no access rules beyond one token.
 */
export interface ConsulStandIn {
  readonly url: string
  readonly port: number
  /** All that is registered, by id, with the state of its check. */
  services(): ReadonlyMap<string, { readonly name: string; readonly state: CheckState }>
  /** Registers one that needs no signs of life. */
  put(service: { id: string; name: string; address: string; port: number; tags?: readonly string[] }): void
  remove(id: string): void
  setState(id: string, state: CheckState): void
  /** Loses all services and starts its index anew, as after a restart with an empty data directory. */
  forget(): void
  /** Closes the door and cuts every connection; `reopen` takes the same port. */
  away(): Promise<void>
  reopen(): Promise<void>
  /** Answers everything like this until it is told `undefined`. */
  answerAll(with_: { readonly status: number; readonly body: string } | undefined): void
  /** What was asked, as `METHOD path?query`. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

export type CheckState = 'passing' | 'warning' | 'critical'

interface Entry {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly port: number
  readonly tags: readonly string[]
  /** Undefined for one without a check. */
  readonly check: { readonly id: string; readonly ttlMs: number; readonly forgottenAfterMs: number } | undefined
  state: CheckState
  timer: NodeJS.Timeout | undefined
}

interface Waiting {
  readonly name: string
  wake(): void
}

const FIRST_INDEX = 10

export async function startConsulStandIn(options: { token?: string } = {}): Promise<ConsulStandIn> {
  const entries = new Map<string, Entry>()
  const changed = new Map<string, number>()
  const waiting = new Set<Waiting>()
  const sockets = new Set<Socket>()
  const asked: string[] = []
  let index = FIRST_INDEX
  let fixed: { readonly status: number; readonly body: string } | undefined

  const touch = (name: string) => {
    index += 1
    changed.set(name, index)
    for (const each of [...waiting]) if (each.name === name) each.wake()
  }
  const remove = (id: string) => {
    const entry = entries.get(id)
    if (!entry) return false
    clearTimeout(entry.timer)
    entries.delete(id)
    touch(entry.name)
    return true
  }
  const setState = (entry: Entry, state: CheckState) => {
    const isNew = entry.state !== state
    entry.state = state
    if (isNew) touch(entry.name)
  }
  /** Without a sign of life for the TTL it is critical, and after a while more it is gone. */
  const watchOver = (entry: Entry) => {
    clearTimeout(entry.timer)
    const { check } = entry
    if (!check) return
    const becomeCritical = () => {
      setState(entry, 'critical')
      entry.timer = setTimeout(() => remove(entry.id), check.forgottenAfterMs)
    }
    entry.timer = setTimeout(becomeCritical, check.ttlMs)
  }
  const put = (entry: Entry) => {
    clearTimeout(entries.get(entry.id)?.timer)
    entries.set(entry.id, entry)
    touch(entry.name)
  }

  const calls: Readonly<Record<string, (call: Call) => Promise<Reply> | Reply>> = {
    'PUT /v1/agent/service/register': ({ body }) => {
      const entry = entryOf(body)
      put(entry)
      watchOver(entry)
      return { status: 200 }
    },
    'PUT /v1/agent/service/deregister': ({ rest }) =>
      remove(rest) ? { status: 200 } : { status: 404, body: `Unknown service ID "${rest}".` },
    'PUT /v1/agent/check/update': ({ rest, body }) => {
      const entry = [...entries.values()].find(({ check }) => check?.id === rest)
      if (!entry) return { status: 404, body: `Unknown check ID "${rest}".` }
      setState(entry, (body as { Status: CheckState }).Status)
      watchOver(entry)
      return { status: 200 }
    },
    'GET /v1/health/service': async ({ rest, query, gone }) => {
      await blocked({ name: rest, query, gone })
      const tags = query.getAll('tag')
      const fitting = [...entries.values()].filter(
        (entry) =>
          entry.name === rest &&
          tags.every((tag) => entry.tags.includes(tag)) &&
          (!query.has('passing') || entry.state === 'passing'),
      )
      return { status: 200, index: indexOf(rest), body: JSON.stringify(fitting.map(answerOf)) }
    },
  }
  const indexOf = (name: string) => changed.get(name) ?? index

  /** Returns at once unless the index given is the current one; then at the next change, or when the wait is over. */
  const blocked = async ({ name, query, gone }: { name: string; query: URLSearchParams; gone: AbortSignal }) => {
    if (Number(query.get('index') ?? 0) !== indexOf(name)) return
    const over = Promise.withResolvers<void>()
    const me: Waiting = { name, wake: over.resolve }
    waiting.add(me)
    const timer = setTimeout(over.resolve, durationMs(query.get('wait') ?? '5m'))
    gone.addEventListener('abort', () => over.resolve())
    await over.promise
    clearTimeout(timer)
    waiting.delete(me)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<Reply> => {
    asked.push(`${request.method} ${request.url}`)
    const url = new URL(request.url ?? '/', 'http://consul')
    const body = (await request.setEncoding('utf8').toArray()).join('')
    if (fixed) return fixed
    if (options.token !== undefined && request.headers['x-consul-token'] !== options.token)
      return { status: 403, body: 'Permission denied' }
    const [, path = '', rest = ''] =
      /^(\/v1\/[a-z]+\/[a-z]+(?:\/(?:register|deregister|update))?)\/?(.*)$/.exec(url.pathname) ?? []
    const call = calls[`${request.method} ${path}`.replace(/\/$/, '')]
    if (!call) return { status: 404, body: 'no such path in this stand-in' }
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    return call({
      rest: decodeURIComponent(rest),
      query: url.searchParams,
      body: body === '' ? undefined : JSON.parse(body),
      gone: gone.signal,
    })
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const reply = await answer(request, response)
    if (reply.index !== undefined) response.setHeader('x-consul-index', reply.index)
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.body)
  }
  const server = createServer((request, response) => void handle(request, response))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)))
  })
  const open = async (port: number) => {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await open(0)
  const away = async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  const clear = () => {
    for (const { timer } of entries.values()) clearTimeout(timer)
    entries.clear()
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    services: () => new Map([...entries].map(([id, { name, state }]) => [id, { name, state }])),
    put: ({ tags = [], ...service }) => put({ ...service, tags, check: undefined, state: 'passing', timer: undefined }),
    remove: (id) => void remove(id),
    setState: (id, state) => {
      const entry = entries.get(id)
      if (entry) setState(entry, state)
    },
    forget: () => {
      clear()
      changed.clear()
      index = FIRST_INDEX
      for (const each of [...waiting]) each.wake()
    },
    away,
    reopen: () => open(port).then(() => {}),
    answerAll: (reply) => {
      fixed = reply
      for (const each of [...waiting]) each.wake()
    },
    close: async () => {
      clear()
      if (server.listening) await away()
    },
  }
}

interface Call {
  /** What follows the path. */
  readonly rest: string
  readonly query: URLSearchParams
  readonly body: unknown
  /** Aborted when the asker has gone. */
  readonly gone: AbortSignal
}

interface Reply {
  readonly status: number
  readonly index?: number
  readonly body?: string
}

interface RegistrationBody {
  readonly ID: string
  readonly Name: string
  readonly Address: string
  readonly Port: number
  readonly Tags?: readonly string[]
  readonly Check?: { readonly CheckID: string; readonly TTL: string; readonly DeregisterCriticalServiceAfter: string }
}

/** A new TTL check is critical until its first sign of life. */
function entryOf(body: unknown): Entry {
  const { ID, Name, Address, Port, Tags = [], Check } = body as RegistrationBody
  const check = Check && {
    id: Check.CheckID,
    ttlMs: durationMs(Check.TTL),
    forgottenAfterMs: durationMs(Check.DeregisterCriticalServiceAfter),
  }
  const state = check ? 'critical' : 'passing'
  return { id: ID, name: Name, address: Address, port: Port, tags: Tags, check, state, timer: undefined }
}

const answerOf = ({ id, name, address, port, tags, state }: Entry) => ({
  Node: { Node: 'stand-in', Address: '127.0.0.1' },
  Service: { ID: id, Service: name, Address: address, Port: port, Tags: tags },
  Checks: [{ CheckID: `service:${id}`, Status: state }],
})

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

const durationMs = (text: string): number => {
  const [, amount = '', unit = ''] = /^(\d+)(ms|s|m)$/.exec(text) ?? []
  return Number(amount) * (UNITS[unit] ?? Number.NaN)
}
