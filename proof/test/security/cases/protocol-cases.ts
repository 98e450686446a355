import type { Attack, Target } from '../abuse-case.ts'
import type { Scene } from '../scene.ts'
import { type Answered, blow, send, sendBytes } from '../send.ts'
import { asPerson, openDoor } from '../unprotected/door.ts'
import { type Framing, openNaiveReader } from '../unprotected/naive-reader.ts'

const head = (line: string, ...headers: readonly string[]) => [line, 'Host: shop.test', ...headers, '', ''].join('\r\n')
const PLACEHOLDER = '{"currency":"XXX"}'
const SMUGGLED = `${head('POST /api/v1/carts HTTP/1.1', 'Content-Type: application/json', `Content-Length: ${PLACEHOLDER.length}`)}${PLACEHOLDER}`
const post = (body: string, ...headers: readonly string[]) =>
  `${head('POST /api/v1/auth/login HTTP/1.1', 'Content-Type: application/json', ...headers)}${body}`

/** Won when a request came of it that nobody in front would have seen: one that starts a cart, in a currency by which it is known again. */
async function smuggled(target: Target, scene: Scene, attempts: Readonly<Record<string, string>>) {
  const blows = Object.entries(attempts).map(async ([what, bytes]) => {
    const currency = scene.newCurrency()
    const answer = await sendBytes(target, bytes.replace(PLACEHOLDER, PLACEHOLDER.replace('XXX', currency)))
    const carts = await scene.database('cart').query('SELECT 1 FROM carts WHERE currency = $1', [currency])
    return blow(what, answer, carts.length > 0)
  })
  return Promise.all(blows)
}

const smuggling = (name: string, framing: Framing, attempts: Readonly<Record<string, string>>): Attack => ({
  area: 'Protocol',
  name,
  control: `a server that is forgiving and believes the ${framing}`,
  refusals: ['400 request.malformed', /^413/],
  attack: (target, scene) => smuggled(target, scene, attempts),
  openUnprotected: ({ url }) => openNaiveReader(url, framing),
})

const inChunks = (text: string, extension = '') => `${text.length.toString(16)}${extension}\r\n${text}\r\n0\r\n\r\n`

const smugglingCases: readonly Attack[] = [
  smuggling('CL.TE', 'chunks', {
    'a length and chunks': post(
      `0\r\n\r\n${SMUGGLED}`,
      `Content-Length: ${SMUGGLED.length + 5}`,
      'Transfer-Encoding: chunked',
    ),
    'chunks in another spelling': post(
      `0\r\n\r\n${SMUGGLED}`,
      `Content-Length: ${SMUGGLED.length + 5}`,
      'Transfer-Encoding : chunked',
    ),
    'chunks that are not the last coding': post(
      `0\r\n\r\n${SMUGGLED}`,
      `Content-Length: ${SMUGGLED.length + 5}`,
      'Transfer-Encoding: chunked, identity',
    ),
  }),
  smuggling('TE.CL', 'first length', {
    'chunks and a length': post(
      inChunks(SMUGGLED),
      `Content-Length: ${SMUGGLED.length.toString(16).length + 2}`,
      'Transfer-Encoding: chunked',
    ),
  }),
  smuggling('duplicate length', 'first length', {
    'two lengths': post(SMUGGLED, 'Content-Length: 0', `Content-Length: ${SMUGGLED.length}`),
    'a list of lengths': post(SMUGGLED, `Content-Length: 0, ${SMUGGLED.length}`),
    'a length with a sign': post(SMUGGLED, 'Content-Length: 0', `Content-Length: +${SMUGGLED.length}`),
  }),
  smuggling('bare LF', 'chunks', {
    'lines that end with LF': SMUGGLED.replaceAll('\r\n', '\n'),
    'LF in a header': head('GET /health HTTP/1.1', `X: y\n\n${SMUGGLED}`),
    'LF at the end of a chunk size': post(`0\n\n${SMUGGLED}`, 'Transfer-Encoding: chunked'),
  }),
  smuggling('chunk extensions', 'chunks', {
    'LF in an extension': post(`2;\n{}\r\n0\r\n\r\n${SMUGGLED}`, 'Transfer-Encoding: chunked'),
    'an extension without end': post(
      `2;${'x'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n${SMUGGLED}`,
      'Transfer-Encoding: chunked',
    ),
  }),
]

/** A door that believes whoever says who asks, as many services behind a gateway do. */
const openBeliever = (scene: Scene) =>
  openDoor(scene.url, (asked) => {
    const said =
      asked.headers['x-user-id'] ?? asked.headers['x-authenticated-userid'] ?? asked.headers['x-micromart-caller']
    const person = Object.values(scene.people).find(({ id }) => id === said)
    return person ? asPerson(asked, person.token) : asked
  })

const whoAmI = async (target: Target, { people }: Scene, headers: Readonly<Record<string, string>>) => {
  const answer = await send(target, { path: '/api/v1/users/me', headers })
  return { answer, won: answer.body?.id === people.admin.id }
}

const identity = (
  name: string,
  headersFor: (adminId: string) => Readonly<Record<string, Readonly<Record<string, string>>>>,
): Attack => ({
  area: 'Protocol',
  name,
  control: 'a door that believes the headers',
  refusals: ['401 auth.required'],
  attack: async (target, scene) => {
    const blows = Object.entries(headersFor(scene.people.admin.id)).map(async ([what, headers]) => {
      const { answer, won } = await whoAmI(target, scene, headers)
      return blow(what, answer, won)
    })
    return Promise.all(blows)
  },
  openUnprotected: openBeliever,
})

const overrides = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const

export const protocolCases: readonly Attack[] = [
  ...smugglingCases,
  identity('identity headers from outside', (id) => ({
    'x-user-id': { 'x-user-id': id, 'x-user-roles': 'admin' },
    'X-User-Id in capitals': { 'X-USER-ID': id },
    'another one': { 'x-authenticated-userid': id },
    'one of ours': { 'x-micromart-caller': id },
  })),
  identity('`Connection: x-user-id`', (id) => ({
    'names the header': { connection: 'close, x-user-id', 'x-user-id': id },
    'names what the gateway sets': { connection: 'close, x-forwarded-for, x-request-id', 'x-user-id': id },
  })),
  {
    area: 'Protocol',
    name: 'method override',
    control: 'a door that takes the method from the header',
    refusals: ['405 route.method-not-allowed', '404 route.unknown', '400 request.invalid'],
    attack: async (target, scene) => {
      const { id, token } = await scene.guestCart()
      const line = await send(target, { path: `/api/v1/carts/${id}`, headers: { 'cart-token': token } })
      const path = `/api/v1/carts/${id}/items/${line.body.lines[0].id}`
      const blows: { what: string; won: boolean; answer: string }[] = []
      for (const header of overrides) {
        const answer: Answered = await send(target, {
          method: 'POST',
          path,
          headers: { 'cart-token': token, [header]: 'PATCH' },
          body: { quantity: 7 },
        })
        blows.push(blow(header, answer))
      }
      return blows
    },
    openUnprotected: (scene) =>
      openDoor(scene.url, (asked) => ({
        ...asked,
        method: overrides.map((name) => asked.headers[name]).find((method) => method !== undefined) ?? asked.method,
      })),
  },
]
