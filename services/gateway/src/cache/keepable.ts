import { createHash } from 'node:crypto'
import type { CacheRule } from './cache-rule.ts'

/** What a service has answered: names in lower case and values in turn, and all of the body. */
export interface WholeAnswer {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** What may be told to everybody, and for how long. */
export interface Keepable {
  /** Without those that the gateway sets anew each time. */
  readonly headers: readonly string[]
  readonly etag: string
  /** Never more than the rule of the route allows. */
  readonly maxAgeS: number
  /** Request headers that the answer depends on; it was asked for without any. */
  readonly vary: readonly string[]
}

/** Of this one exchange, or set by whoever sends. */
const NOT_KEPT = new Set(['age', 'cache-status', 'content-length', 'date', 'etag', 'set-cookie', 'x-request-id'])

/** Whether an answer may be given to others than the one who asked (RFC 9111, section 3), since nobody in particular has asked for it. */
export function isShared(headers: readonly string[]): boolean {
  const control = directives(headers)
  const forbidden = ['no-store', 'private'].some((name) => control.has(name))
  return !forbidden && fieldOf(headers, 'set-cookie') === undefined && fieldOf(headers, 'vary')?.trim() !== '*'
}

/** What of a shared answer is kept; undefined for none of it. Only a plain 200 is. */
export function keepable({ status, headers, body }: WholeAnswer, rule: CacheRule): Keepable | undefined {
  const maxAgeS = Math.min(rule.maxAgeS, statedMaxAgeS(headers))
  const isPart = fieldOf(headers, 'content-range') !== undefined || fieldOf(headers, 'content-encoding') !== undefined
  if (status !== 200 || maxAgeS <= 0 || isPart || !isShared(headers)) return undefined
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = [headers[index], headers[index + 1]]
    if (!NOT_KEPT.has(name)) kept.push(name, value)
  }
  // copies further on ask again each time: only this one hears when the answer changes
  if (fieldOf(kept, 'cache-control') === undefined) kept.push('cache-control', 'no-cache')
  const vary = (fieldOf(headers, 'vary') ?? '').toLowerCase().split(',')
  return {
    headers: kept,
    etag: fieldOf(headers, 'etag') ?? `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    maxAgeS,
    vary: vary.map((name) => name.trim()).filter((name) => name !== '' && name !== 'accept-encoding'),
  }
}

/** How long the service says that it may be kept, less the time that it was kept elsewhere. */
function statedMaxAgeS(headers: readonly string[]): number {
  const control = directives(headers)
  if (control.has('no-cache') || control.has('must-understand')) return 0
  const stated = control.get('s-maxage') ?? control.get('max-age')
  if (stated === undefined) return Number.POSITIVE_INFINITY
  return /^\d+$/.test(stated) ? Number(stated) - (Number(fieldOf(headers, 'age')) || 0) : 0
}

function directives(headers: readonly string[]): ReadonlyMap<string, string> {
  const control = fieldOf(headers, 'cache-control')
  if (control === undefined) return new Map()
  return new Map(
    control.split(',').map((part) => {
      const [name = '', value = ''] = part.trim().toLowerCase().split('=')
      return [name, value.replaceAll('"', '')] as const
    }),
  )
}

/** All values of a header in one line. */
function fieldOf(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined
  for (let index = 0; index < headers.length; index += 2)
    if (headers[index] === name) found = found === undefined ? headers[index + 1] : `${found}, ${headers[index + 1]}`
  return found
}
