import type { Route } from './routes.ts'

export type Match = { readonly route: Route } | { readonly allowed: readonly string[] } | undefined

/** Finds the route of a method and path; for a known path with another method, the methods that it has; undefined for no such path. */
export type FindRoute = (method: string, path: string) => Match

interface Node {
  readonly fixed: Map<string, Node>
  any: Node | undefined
  /** By method. */
  readonly routes: Map<string, { readonly route: Route }>
}

const emptyNode = (): Node => ({ fixed: new Map(), any: undefined, routes: new Map() })

export function createRouter(routes: readonly Route[]): FindRoute {
  const root = emptyNode()
  for (const route of routes) {
    let node = root
    for (const segment of route.path.slice(1).split('/'))
      node = segment.startsWith(':') ? anyOf(node) : fixedOf(node, segment)
    node.routes.set(route.method, { route })
  }
  // most requests ask for an address without parameters: it need not be taken apart
  const exact = new Map(
    routes.flatMap(({ path }) => {
      const node = path.includes(':') ? undefined : find(root, path.slice(1).split('/'), 0)
      return node ? [[path, node] as const] : []
    }),
  )
  return (method, path) => {
    const node = exact.get(path) ?? find(root, path.slice(1).split('/'), 0)
    if (!node) return undefined
    const found = node.routes.get(method) ?? (method === 'HEAD' ? node.routes.get('GET') : undefined)
    return found ?? { allowed: [...node.routes.keys()].flatMap((own) => (own === 'GET' ? ['GET', 'HEAD'] : own)) }
  }
}

function anyOf(node: Node): Node {
  node.any ??= emptyNode()
  return node.any
}

function fixedOf(node: Node, segment: string): Node {
  const next = node.fixed.get(segment) ?? emptyNode()
  node.fixed.set(segment, next)
  return next
}

/** A fixed segment wins over a parameter, unless only the parameter leads anywhere. */
function find(node: Node, segments: readonly string[], index: number): Node | undefined {
  if (index === segments.length) return node.routes.size > 0 ? node : undefined
  const segment = segments[index] ?? ''
  const fixed = node.fixed.get(segment)
  const found = fixed && find(fixed, segments, index + 1)
  return found ?? (node.any && segment !== '' ? find(node.any, segments, index + 1) : undefined)
}

const LONGEST_TARGET = 4_096

/**
 * What a path of ours never needs in any spelling: dot segments, backslashes, NUL, doubled or encoded slashes outside of a SKU, and
 * what no path has (RFC 3986, section 3.3), for a reader behind us may end at a `#`, or write the others anew.
 */
const TRICKS = /%2e|%5c|%00|\/\/|\/\.{1,2}(?:\/|$)|[\\#"<>^`{|}]|[^\x21-\x7e]/i
const ENCODED_SLASH = /%2f/i
const SKU_PATH = /^\/api\/v1\/inventory\/[^/]+(?:\/[a-z-]+)?$/

const MOST_PARAMETERS = 100

function parametersOf(target: string): number {
  let count = 1
  for (let at = target.indexOf('&'); at >= 0; at = target.indexOf('&', at + 1)) count += 1
  return count
}

/** Why a request target is refused before it is routed; undefined for a good one. */
export function targetFault(
  target: string,
  path: string,
): 'too-long' | 'too-many-parameters' | 'malformed' | undefined {
  if (target.length > LONGEST_TARGET) return 'too-long'
  if (target.length > path.length && parametersOf(target) > MOST_PARAMETERS) return 'too-many-parameters'
  if (!path.startsWith('/') || TRICKS.test(path)) return 'malformed'
  return ENCODED_SLASH.test(path) && !SKU_PATH.test(path) ? 'malformed' : undefined
}
