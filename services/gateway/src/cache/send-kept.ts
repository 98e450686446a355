import type { Source } from '../answer.ts'
import { acceptedEncoding } from '../compression/choose-packing.ts'
import type { Exchange } from '../exchange.ts'
import { restText } from '../prepared-head.ts'
import type { Form, KeptAnswer } from './kept-answer.ts'

/** Who is not waited for: all of the answer is here. */
export const noSource: Source = { resume: () => {} }

/** The name of this cache in `Cache-Status` (RFC 9211). */
export const CACHE_NAME = 'micromart'

/** Of a 304 (RFC 9110, section 15.4.5). */
const OF_NOT_MODIFIED = new Set(['age', 'cache-control', 'cache-status', 'content-location', 'etag', 'expires', 'vary'])

/** How an answer came about: kept so long ago, or just fetched. */
export type Origin = { readonly ageMs: number } | { readonly status: string }

/** Sends a kept answer in the form that the client takes, or says that it has it already. */
export function sendKept(kept: KeptAnswer, exchange: Exchange, from: Origin): void {
  const { headers, usual } = exchange
  const form = formFor(kept, headers['accept-encoding'])
  const head = 'ageMs' in from ? agedHead(form, from.ageMs, kept) : [...form.headers, 'cache-status', from.status]
  const known = headers['if-none-match']
  if (known !== undefined && matches(known, form.etag)) {
    exchange.begin(304, only(OF_NOT_MODIFIED, head), noSource)
    exchange.end()
    return
  }
  exchange.begin(200, head, noSource, 'ageMs' in from ? restOf(form, usual) : undefined)
  if (form.text === undefined) exchange.end(form.body)
  else exchange.endWith(form.text)
}

function formFor(kept: KeptAnswer, acceptEncoding: string | undefined): Form {
  if (kept.br === undefined || acceptEncoding === undefined) return kept.plain
  const encoding = acceptedEncoding(acceptEncoding)
  return (encoding && kept[encoding]) ?? kept.plain
}

/** The same for all who ask within a second. */
function agedHead(form: Form, ageMs: number, { maxAgeS }: KeptAnswer): readonly string[] {
  const second = Math.floor(ageMs / 1_000)
  if (form.headSecond !== second) {
    const status = `${CACHE_NAME}; hit; ttl=${Math.floor(maxAgeS - second)}`
    form.head = [...form.headers, 'age', String(second), 'cache-status', status]
    form.headSecond = second
    form.rests?.clear()
  }
  return form.head
}

/** What this second's head adds to what the gateway says; there are a few kinds of `usual`. */
function restOf({ head, rests }: Form, usual: readonly string[]): string | undefined {
  const known = rests?.get(usual)
  if (known !== undefined || !rests) return known
  const made = restText({ said: NOTHING, own: head, usual })
  rests.set(usual, made)
  return made
}

const NOTHING: readonly string[] = []

/** By weak comparison, as for every read (RFC 9110, section 13.1.2). */
function matches(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === '*') return true
  const opaque = etag.replace(/^W\//, '')
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === opaque)
}

function only(names: ReadonlySet<string>, headers: readonly string[]): string[] {
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = [headers[index], headers[index + 1]]
    if (names.has(name)) kept.push(name, value)
  }
  return kept
}
