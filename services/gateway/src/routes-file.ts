import { allPermissions } from '@micromart/contracts/permissions'
import type { Access } from '@micromart/http-kit/identity'
import { err, ok, type Result } from '@micromart/kernel/result'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import Type, { type Static } from 'typebox'
import { Errors } from 'typebox/value'
import { routeLimits } from './rate-limit/policies.ts'
import { type Route, routeDefaults } from './routes.ts'

const oneOf = <const C extends readonly string[]>(choices: C) => Type.Unsafe<C[number]>(Type.String({ enum: choices }))

const closed = { additionalProperties: false } as const

const RouteEntry = Type.Object(
  {
    /** Method and path, `:name` for one segment; one of the built-in routes, or a new one. */
    route: Type.String({ pattern: '^(GET|POST|PUT|PATCH|DELETE) /[A-Za-z0-9_.:/-]*$' }),
    /** As if there were no such route. */
    disabled: Type.Optional(Type.Boolean()),
    service: Type.Optional(oneOf(serviceNames)),
    access: Type.Optional(oneOf(['public', 'signed-in', ...allPermissions] as const)),
    bodyLimitBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 64 * 1024 * 1024 })),
    deadlineMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 300_000 })),
    limit: Type.Optional(oneOf(routeLimits)),
    /** It is a WebSocket; for new routes only. */
    webSocket: Type.Optional(Type.Literal(true)),
  },
  closed,
)
type RouteEntry = Static<typeof RouteEntry>

const RoutesFile = Type.Object(
  {
    /** Where a service is, instead of what its variable says. */
    upstreams: Type.Optional(
      Type.Object(
        Object.fromEntries(
          serviceNames.map((name) => [
            name,
            Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 100 })),
          ]),
        ),
        closed,
      ),
    ),
    routes: Type.Optional(Type.Array(RouteEntry, { maxItems: 1_000 })),
  },
  closed,
)

/** What a routes file makes of the built-in table. */
export interface FiledRoutes {
  readonly routes: readonly Route[]
  readonly upstreams: Partial<Readonly<Record<ServiceName, readonly string[]>>>
}

/**
 * Lays the text of a routes file over the built-in table: routes are changed, switched off or added. Who may call a built-in route can only be
 * narrowed, so that no file opens what the code has closed. Every fault is named with its place.
 */
export function applyRoutesFile(text: string, builtIn: readonly Route[]): Result<FiledRoutes, readonly string[]> {
  const parsed = parse(text)
  if (!parsed.ok) return parsed
  const { routes: entries = [], upstreams = {} } = parsed.value
  const table = new Map(builtIn.map((route) => [`${route.method} ${route.path}`, route]))
  const seen = new Set<string>()
  const faults: string[] = []
  entries.forEach((entry, index) => {
    const before = table.get(entry.route)
    const fault = seen.has(entry.route) ? 'is there twice' : before ? changeFault(entry, before) : newFault(entry)
    seen.add(entry.route)
    if (fault) faults.push(`/routes/${index} (${entry.route}) ${fault}`)
    else if (entry.disabled) table.delete(entry.route)
    else table.set(entry.route, routeOf(entry, before))
  })
  return faults.length > 0 ? err(faults) : ok({ routes: [...table.values()], upstreams })
}

function parse(text: string): Result<Static<typeof RoutesFile>, readonly string[]> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    return err([`is not JSON: ${(error as SyntaxError).message}`])
  }
  const faults = Errors(RoutesFile, body).map(({ instancePath, message }) =>
    message === 'schema is false' ? `${instancePath} is unknown` : `${instancePath || '/'} ${message}`,
  )
  return faults.length > 0 ? err(faults) : ok(body as Static<typeof RoutesFile>)
}

function changeFault({ access, webSocket }: RouteEntry, before: Route): string | undefined {
  if (webSocket) return 'is built in and no WebSocket'
  if (access === undefined || access === before.access || widthOf(access) < widthOf(before.access)) return undefined
  return `opens what the code has closed: ${before.access} can only become narrower`
}

const newFault = ({ route, disabled, service, access, webSocket }: RouteEntry): string | undefined => {
  if (webSocket && !route.startsWith('GET ')) return 'is a WebSocket, whose handshake is a GET'
  if (disabled) return 'switches off a route that does not exist'
  return service && access ? undefined : 'is new, so it must say its service and its access'
}

const widthOf = (access: Access) => (access === 'public' ? 2 : access === 'signed-in' ? 1 : 0)

function routeOf(entry: RouteEntry, before?: Route): Route {
  const { route, service, access, bodyLimitBytes, deadlineMs, limit, webSocket } = entry
  const [method = '', path = ''] = route.split(' ')
  return {
    ...(before ?? { ...routeDefaults, method, path, service: service ?? 'user' }),
    ...(service && { service }),
    ...(access && { access }),
    ...(bodyLimitBytes !== undefined && { bodyLimit: bodyLimitBytes }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(limit && { limit }),
    ...(webSocket && { isWebSocket: webSocket }),
  }
}
