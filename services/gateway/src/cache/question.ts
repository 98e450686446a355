import type { Exchange } from '../exchange.ts'
import { hasBody } from '../request-body.ts'
import { type CacheRule, tagsOf } from './cache-rule.ts'
import { canonicalQuery } from './query-key.ts'

/**
 * The address of a read in its one spelling: the same is asked of the service. Undefined when the answer is not the same for everybody, or
 * there is no one spelling.
 */
export function keyOf(exchange: Exchange, rule: CacheRule): string | undefined {
  const { caller, path, target } = exchange
  // who may do more may see more
  if (caller.kind !== 'anonymous' && caller.permissions.length > 0) return undefined
  if (hasBody(exchange)) return undefined
  if (target.length === path.length) return path
  const query = canonicalQuery(target.slice(path.length + 1), rule.query)
  if (query === undefined) return undefined
  return query === '' ? path : `${path}?${query}`
}

/** What empties the answer; undefined for a path that the service may read as it likes. */
export function tagsFor({ route, path }: Exchange, rule: CacheRule): readonly string[] | undefined {
  try {
    return tagsOf(rule.tags, { template: route.path, path })
  } catch {
    return undefined
  }
}
