import { permissionsOf } from '@micromart/contracts/permissions'
import { type Route, routes } from '@micromart/gateway/routes'
import { type BadCase, bad, type Refusal, type RouteCases, type Wish } from './case.ts'
import { mutationsOf } from './mutations.ts'
import { badKeys, CANARY, forbiddenSegments, strangeSegments } from './nasty.ts'
import { bearer, type Scene } from './scene.ts'
import { json } from './wire.ts'

const MALFORMED = '400 request.malformed'
const INVALID = '400 request.invalid'
const TOO_LARGE = '413 request.too-large'

/** The well-formed request of a route, from somebody who may send it. */
export function goodWish(route: Route, cases: RouteCases, scene: Scene): Wish {
  const { path, headers = {}, body } = cases.good(scene)
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return { method: route.method, path, headers: { ...type, ...tokenFor(route, scene), ...headers }, body }
}

/** Nobody, a shopper, staff or an admin: the least of them that may use the route. */
const lowestFor = (access: Route['access']): keyof Scene['tokens'] | undefined => {
  if (access === 'public') return undefined
  if (access === 'signed-in') return 'shopper'
  return permissionsOf(['staff']).includes(access) ? 'staff' : 'admin'
}

const tokenFor = ({ access }: Route, { tokens }: Scene): Readonly<Record<string, string>> => {
  const lowest = lowestFor(access)
  return lowest ? bearer(tokens[lowest]) : {}
}

/** What every route is given, by its method, its access, its path and its body. */
export function genericCases(route: Route, cases: RouteCases, scene: Scene): readonly BadCase[] {
  const good = goodWish(route, cases, scene)
  return [
    ...tokenCases(route, scene),
    ...addressCases(route, good),
    ...parameterCases(route, good, cases),
    ...(cases.idempotent ? keyCases() : []),
    ...(route.method === 'GET' ? [] : bodyCases(route, good, cases)),
    ...(good.body === undefined || cases.opaqueBody ? [] : fieldCases(route, good, cases)),
  ]
}

function tokenCases({ access }: Route, { tokens, badTokens }: Scene): readonly BadCase[] {
  const wrong = Object.entries(badTokens).map(([what, authorization]) =>
    bad(`a token: ${what}`, { headers: { authorization } }, '401 auth.invalid-token'),
  )
  const lowest = lowestFor(access)
  if (!lowest) return wrong
  const low = { shopper: [], staff: [tokens.shopper], admin: [tokens.shopper, tokens.staff] }[lowest]
  return [
    ...wrong,
    bad('no token', { headers: { authorization: '' } }, '401 auth.required'),
    ...low.map((token) => bad('too low a role', { headers: bearer(token) }, '403 auth.forbidden')),
  ]
}

const METHODS = ['PUT', 'PATCH', 'DELETE', 'POST', 'GET']

function addressCases(route: Route, { path }: Wish): readonly BadCase[] {
  const known = routes.filter((other) => other.path === route.path).map(({ method }) => method)
  const address = path.split('?')[0] ?? path
  const end = path.includes('?') ? '&' : '?'
  return [
    ...METHODS.filter((method) => !known.includes(method))
      .slice(0, 2)
      .map((method) => bad(`the method ${method}`, { method, body: undefined }, '405 route.method-not-allowed')),
    bad('a method of its own', { method: 'PROPFIND', body: undefined }, '405 route.method-not-allowed'),
    ...['/..', '/.', '//', '%00', '%2e', '%5c', '\\', '/%2e%2e/x'].map((tail) =>
      bad(`an address that ends with ${tail}`, { path: `${address}${tail}` }, MALFORMED),
    ),
    bad('an address that goes on', { path: `${address}/x/y/z` }, '404 route.unknown'),
    bad('a very long address', { path: `${path}${end}x=${'x'.repeat(5_000)}` }, '414 request.target-too-long'),
    bad('a very long header', { headers: { 'x-canary': CANARY.repeat(2_000) } }, '431 request.headers-too-large'),
    bad('many headers', { headers: manyHeaders() }, '431 request.headers-too-large'),
  ]
}

/** Each of them small. */
const manyHeaders = () =>
  Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, CANARY.repeat(20)]))

function parameterCases({ path: pattern }: Route, { path }: Wish, { unknown = [] }: RouteCases): readonly BadCase[] {
  const [segments, query] = [(path.split('?')[0] ?? '').split('/'), path.split('?')[1]]
  const names = pattern.split('/').flatMap((segment, index) => (segment.startsWith(':') ? [{ segment, index }] : []))
  return names.flatMap(({ segment: name, index }) => {
    const withSegment = (segment: string) => segments.with(index, segment).join('/') + (query ? `?${query}` : '')
    const given = (segment: string, refusals: readonly Refusal[]) =>
      bad(`${name} = ${segment.slice(0, 40)}`, { path: withSegment(segment) }, ...refusals)
    return [
      ...strangeSegments.map((segment) => given(segment, unknown)),
      ...forbiddenSegments.map((segment) => given(segment, [MALFORMED])),
      given('x'.repeat(300), [...unknown, MALFORMED]),
    ]
  })
}

const keyCases = () =>
  badKeys.map((key) =>
    bad(`Idempotency-Key ${key.slice(0, 20)}`, { headers: { 'idempotency-key': key } }, '400 idempotency.key-invalid'),
  )

const BROKEN = [
  '{',
  '}',
  '{"a":1,}',
  "{'a':1}",
  '{"a":1}{',
  'undefined',
  'NaN',
  '\u0000',
  '<a/>',
  'a=1&b=2',
  '"\ud800',
  '[1,2',
  '{"a":\u0001}',
]
const NOT_AN_OBJECT = ['[]', '[{}]', '"x"', '1', 'true', '-0', '1e999']
const POISONED = [
  '{"__proto__":{"roles":["admin"]}}',
  '{"a":{"__proto__":{"x":1}}}',
  '{"constructor":{"prototype":{"x":1}}}',
]
const WRONG_TYPES = [
  'application/xml',
  'text/html',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/jsonx',
  'x',
  'application/json-patch+json',
]

const DEEP = 50_000

/** What is wrong with a body whatever its fields are. */
function bodyCases(route: Route, good: Wish, cases: RouteCases): readonly BadCase[] {
  const asJson = { ...good.headers, 'content-type': 'application/json' }
  const text = (what: string, body: string, ...usual: Refusal[]) => {
    const refusals: readonly Refusal[] = body.length > route.bodyLimit ? [TOO_LARGE] : (cases.opaqueBody ?? usual)
    return bad(`${what}: ${body.slice(0, 40)}`, { headers: asJson, body }, ...refusals)
  }
  return [
    ...BROKEN.map((body) => text('broken JSON', body, MALFORMED)),
    ...NOT_AN_OBJECT.map((body) => text('no object', body, INVALID)),
    ...(cases.bodyIsOptional ? [] : [text('no object', 'null', INVALID), text('no body', '', MALFORMED, INVALID)]),
    ...POISONED.map((body) => text('a poisoned prototype', body, MALFORMED)),
    text('deep nesting', `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`, INVALID),
    text('deep nesting', `${'{"a":'.repeat(DEEP / 2)}1${'}'.repeat(DEEP / 2)}`, INVALID),
    text('ten thousand fields', json(manyFields()), INVALID),
    ...WRONG_TYPES.map((type) =>
      bad(
        `the content type ${type}`,
        { headers: { ...asJson, 'content-type': type }, body: good.body ?? {} },
        '415 request.unsupported-media-type',
      ),
    ),
    ...[false, true].map((chunked) =>
      bad(
        `too many bytes${chunked ? ' in chunks' : ''}`,
        { headers: asJson, body: Buffer.alloc(route.bodyLimit + 1, ' '), chunked },
        TOO_LARGE,
      ),
    ),
  ]
}

const manyFields = () => Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`f${index}`, index]))

function fieldCases(
  { bodyLimit }: Route,
  good: Wish,
  { wrongField = [], harmless = {} }: RouteCases,
): readonly BadCase[] {
  const mutations = mutationsOf(good.body)
  const stale = Object.keys(harmless).filter((what) => !mutations.some((mutation) => mutation.what === what))
  if (stale.length > 0) throw new Error(`Nothing makes ${stale.join(', ')} of ${good.method} ${good.path}`)
  return mutations
    .filter(({ what }) => !Object.hasOwn(harmless, what))
    .map(({ what, body }) => {
      const text = json(body)
      return bad(
        what,
        { body: text },
        ...(text.length > bodyLimit ? ([TOO_LARGE] as const) : ([INVALID, ...wrongField] as const)),
      )
    })
}
