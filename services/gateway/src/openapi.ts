import type { Upstreams } from './balancer.ts'
import type { Route } from './routes.ts'

interface Document {
  readonly paths?: Record<string, Record<string, unknown>>
  readonly components?: { readonly schemas?: Record<string, unknown> }
}

const BEARER = { type: 'http', scheme: 'bearer', description: 'an access token, or an API key as it is' }

const FRESH_MS = 30_000
const PATIENCE_MS = 2_000

/**
 * One OpenAPI document out of those of the services, with the routes that can be reached from outside and nothing else.
 * A service that is down keeps the part it had; `x-missing` names those that never answered.
 */
export function mergedOpenApi(
  routes: () => readonly Route[],
  addresses: () => Upstreams,
  now: () => number,
): () => Promise<object> {
  const known = new Map<string, { document: Document; at: number }>()

  const load = async (service: string, urls: readonly string[]) => {
    const last = known.get(service)
    if (last && now() - last.at < FRESH_MS) return
    for (const url of urls)
      try {
        const response = await fetch(`${url}/openapi.json`, { signal: AbortSignal.timeout(PATIENCE_MS) })
        if (response.ok) return known.set(service, { document: (await response.json()) as Document, at: now() })
      } catch {
        // the last good one stays
      }
  }

  return async () => {
    await Promise.all(Object.entries(addresses()).map(([service, urls]) => load(service, urls)))
    const paths: Record<string, Record<string, unknown>> = {}
    const schemas: Record<string, unknown> = {}
    for (const { service, method, path, access } of routes()) {
      const document = known.get(service)?.document
      const found = operationOf(document, method, path)
      if (!found) continue
      Object.assign(schemas, document?.components?.schemas)
      paths[found.path] = {
        ...paths[found.path],
        [method.toLowerCase()]: { ...found.operation, ...securityOf(access) },
      }
    }
    return {
      openapi: '3.1.0',
      info: {
        title: 'MicroMart',
        version: '1',
        description: 'Guest carts and their orders are opened with the header Cart-Token.',
      },
      paths,
      components: { schemas, securitySchemes: { bearer: BEARER } },
      'x-missing': Object.keys(addresses()).filter((service) => !known.has(service)),
    }
  }
}

const shapeOf = (path: string) => path.replaceAll(/:[^/]+|\{[^}]+\}/g, '{}')

function operationOf(document: Document | undefined, method: string, path: string) {
  for (const [candidate, operations] of Object.entries(document?.paths ?? {})) {
    const operation = operations[method.toLowerCase()]
    if (operation && shapeOf(candidate) === shapeOf(path)) return { path: candidate, operation }
  }
  return undefined
}

const securityOf = (access: Route['access']) =>
  access === 'public' ? {} : { security: [{ bearer: [] }], 'x-access': access }
