import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Discovery, Watch } from '@micromart/discovery/discovery'
import { err, ok, type Result } from '@micromart/kernel/result'
import { ConfigError } from '@micromart/service-kit/config'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import type { Logger } from '@micromart/telemetry/logger'
import type { Balancer, Upstreams } from './balancer.ts'
import { createRouter, type FindRoute } from './router.ts'
import type { Route } from './routes.ts'
import { applyRoutesFile } from './routes-file.ts'
import { FIRST_ANSWER_MS } from './upstreams.ts'

/** The routes that hold right now. A request keeps the route that it came in by, so nothing is lost when they change. */
export interface RouteTable {
  readonly findRoute: FindRoute
  routes(): readonly Route[]
  /** `outdated`: the file has a fault, and what was before it holds on. */
  state(): 'current' | 'outdated'
  /** Reads the file now; never fails. */
  reload(): Promise<void>
  close(): void
}

export interface RouteTableParts {
  readonly builtIn: readonly Route[]
  /** Empty for none. */
  readonly file: string
  /** Where services are that the file says nothing of. */
  readonly addresses: Upstreams
  readonly discovery: Discovery
  readonly balancer: Balancer
  readonly log: Logger
  /** How often it is looked whether the file has changed, in ms. */
  readonly lookEveryMs?: number
}

/** A mounted file may be swapped by its folder, which no event of the file tells; so it is looked at instead. */
const LOOK_EVERY_MS = 1_000

/** The built-in table with the file laid over it, which is read again when it changes. @throws ConfigError when the file has a fault at the start */
export async function openRouteTable(parts: RouteTableParts): Promise<RouteTable> {
  const { builtIn, file, log, balancer, lookEveryMs = LOOK_EVERY_MS } = parts
  let routes = builtIn
  let find = createRouter(builtIn)
  let state: 'current' | 'outdated' = 'current'
  let text: string | undefined
  let followed: Upstreams = parts.addresses

  /** All or nothing: what can fail comes first, what changes comes last and in one go. */
  const take = async (next: string): Promise<Result<void, readonly string[]>> => {
    const filed = applyRoutesFile(next, builtIn)
    if (!filed.ok) return filed
    const wanted: Upstreams = { ...parts.addresses, ...filed.value.upstreams }
    const watches = await watchChanged(parts.discovery, followed, wanted)
    if (!watches.ok) return watches
    for (const [service, watch] of watches.value) balancer.follow(service, watch)
    followed = wanted
    routes = filed.value.routes
    find = createRouter(routes)
    return ok(undefined)
  }
  const read = async (): Promise<readonly string[]> => {
    const next = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => error)
    if (next instanceof Error) return [`cannot be read: ${next.code}`]
    if (next === text) return []
    const taken = await take(next)
    if (!taken.ok) return taken.error
    text = next
    log.info({ file, routes: routes.length }, 'the routes file holds')
    return []
  }
  let reading: Promise<void> = Promise.resolve()
  const reload = () => {
    reading = reading.then(async () => {
      const faults = await read()
      state = faults.length > 0 ? 'outdated' : 'current'
      if (faults.length === 0) return
      log.error({ file, faults }, 'the routes file has faults; the routes stay as they were')
    })
    return reading
  }

  if (file !== '') {
    const faults = await read()
    if (faults.length > 0) throw new ConfigError(faults.map((fault) => `ROUTES_FILE ${file}: ${fault}`))
    watchFile(file, { interval: lookEveryMs, persistent: false }, () => void reload())
  }
  return {
    findRoute: (method, path) => find(method, path),
    routes: () => routes,
    state: () => state,
    reload,
    close: () => {
      if (file !== '') unwatchFile(file)
    },
  }
}

/** Follows the services that are to be elsewhere; none of them, if one of them is nowhere. */
async function watchChanged(
  discovery: Discovery,
  now: Upstreams,
  wanted: Upstreams,
): Promise<Result<readonly (readonly [ServiceName, Watch])[], readonly string[]>> {
  const faults: string[] = []
  const watches: (readonly [ServiceName, Watch])[] = []
  for (const name of serviceNames) {
    if (wanted[name].join() === now[name].join()) continue
    const watched = discovery.watch(wanted[name])
    if (watched.ok) watches.push([name, watched.value])
    else faults.push(...watched.error.map(({ detail }) => `/upstreams/${name} ${detail}`))
  }
  await Promise.all(watches.map(([, watch]) => watch.settled(FIRST_ANSWER_MS)))
  for (const [name, watch] of watches)
    if (watch.instances().length === 0) faults.push(`/upstreams/${name} leads to no instance`)
  if (faults.length === 0) return ok(watches)
  for (const [, watch] of watches) watch.close()
  return err(faults)
}
