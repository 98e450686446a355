import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Attack, Blow, Target } from '../abuse-case.ts'
import { bearer, PASSWORD, type Scene } from '../scene.ts'
import { blow, CUT_OFF, send, type Wish } from '../send.ts'
import { type Asked, jsonOf, openDoor, passOn, withJson } from '../unprotected/door.ts'

const LOGIN = '/api/v1/auth/login'
const GIB = 1024 ** 3
const MIB = 1024 ** 2
/** More than any operation takes. */
const ENOUGH = 16 * MIB

const loginOf = ({ people }: Scene) => ({ email: people.victim.email, password: PASSWORD })

/** Sends a body in chunks until it is answered or enough has gone: whoever takes so much takes any amount. */
async function endless(target: Target, headers: string): Promise<Blow> {
  const { hostname, port } = new URL(target.url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  socket.write(`POST ${LOGIN} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n${headers}\r\n\r\n`)
  let answer = ''
  let isOver = false
  socket.on('data', (part) => {
    answer += part
  })
  const over = once(socket, 'close').then(() => {
    isOver = true
  })
  const part = `10000\r\n${' '.repeat(65_536)}\r\n`
  let sent = 0
  while (!isOver && answer === '' && sent < ENOUGH) {
    if (!socket.write(part)) await Promise.race([once(socket, 'drain'), once(socket, 'data'), over])
    sent += 65_536
  }
  if (sent >= ENOUGH) await Promise.race([once(socket.end('0\r\n\r\n'), 'data'), over])
  socket.destroy()
  const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]
  return { what: 'in chunks, without end', won: sent >= ENOUGH, answer: status ?? CUT_OFF }
}

async function announced(target: Target): Promise<Blow> {
  const { hostname, port } = new URL(target.url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  const lines = [
    `POST ${LOGIN} HTTP/1.1`,
    'Host: shop',
    'Content-Type: application/json',
    `Content-Length: ${GIB}`,
    '',
    '',
  ]
  socket.write(lines.join('\r\n'))
  const [head] = await Promise.race([once(socket, 'data'), once(socket, 'end').then(() => ['']), patience()])
  socket.destroy()
  const [, status = '0'] = /^HTTP\/1\.1 (\d{3})/.exec(String(head)) ?? []
  return { what: 'announced as 1 GiB', won: status === '0' || status === '100', answer: status }
}

/** Who has not refused by now waits for the whole of it. */
const patience = () => new Promise<readonly string[]>((resolve) => setTimeout(resolve, 2_000, ['']))

const simple = (
  name: string,
  parts: Pick<Attack, 'control' | 'refusals'> & {
    wishes(scene: Scene): Readonly<Record<string, Wish>>
    manner(asked: Asked, scene: Scene): ReturnType<Parameters<typeof openDoor>[1]>
  },
): Attack => ({
  area: 'Exhaustion',
  name,
  control: parts.control,
  refusals: parts.refusals,
  attack: async (target, scene) =>
    Promise.all(Object.entries(parts.wishes(scene)).map(async ([what, wish]) => blow(what, await send(target, wish)))),
  openUnprotected: (scene) => openDoor(scene.url, (asked) => parts.manner(asked, scene)),
})

const post = (body: unknown, headers: Wish['headers'] = {}): Wish => ({
  method: 'POST',
  path: LOGIN,
  body,
  headers: { 'content-type': 'application/json', ...headers },
})

/** What a program that follows a tree step by step makes of a deep one. */
const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

const deepBodies = (): Readonly<Record<string, Wish>> => ({
  arrays: post(`${'['.repeat(50_000)}${']'.repeat(50_000)}`),
  objects: post(`${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}`),
})

/** Takes a minute of a core for thirty letters; such a pattern is one that a schema could have. */
const EVIL = String.raw`
  const { createServer } = require('node:http'); const { parentPort } = require('node:worker_threads')
  const server = createServer((request, response) => {
    let body = ''; request.on('data', (part) => (body += part)).on('end', () =>
      response.writeHead(/^([a-zA-Z0-9.]+)*@x\.y$/.test(JSON.parse(body).email) ? 200 : 400).end('{}'))
  }).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`

async function timed(target: Target, scene: Scene): Promise<readonly Blow[]> {
  const a = 'a'.repeat(60)
  const texts = {
    'many letters': `${a}!`,
    'many dots': `${'a.'.repeat(30)}!`,
    'many ats': `${a}${'@'.repeat(60)}`,
    blanks: `a${' '.repeat(20_000)}b`,
  }
  const staff = bearer(scene.people.staff.token)
  const wishes: readonly (readonly [string, Wish])[] = [
    ...Object.entries(texts).flatMap(([what, email]): (readonly [string, Wish])[] => [
      [`${what} as an address`, post({ email, password: 'x' })],
    ]),
    ...(target === scene
      ? Object.entries(texts).flatMap(([what, word]): (readonly [string, Wish])[] => [
          [`${what} as a search`, { path: `/api/v1/products?q=${encodeURIComponent(word.slice(0, 190))}` }],
          [
            `${what} as a cursor`,
            {
              path: `/api/v1/products?q=a&after=${Buffer.from(JSON.stringify([word.slice(0, 200), word.slice(0, 100)])).toString('base64url')}`,
            },
          ],
          [
            `${what} as a handle`,
            {
              method: 'POST',
              path: '/api/v1/products',
              headers: staff,
              body: {
                handle: word.slice(0, 200),
                title: word.slice(0, 200),
                variants: [{ sku: word.slice(0, 60), price: { minor: 1, currency: 'USD' } }],
              },
            },
          ],
        ])
      : []),
  ]
  const blows = wishes.map(async ([what, wish]) => {
    const said = await Promise.race([send(target, wish), gaveUp()])
    return { what, won: said === undefined, answer: said?.said ?? 'nothing in time' }
  })
  return Promise.all(blows)
}

const gaveUp = () => new Promise<undefined>((resolve) => setTimeout(resolve, 5_000, undefined).unref())

export const exhaustionCases: readonly Attack[] = [
  {
    area: 'Exhaustion',
    name: '1 GB body',
    control: 'a door that reads whatever comes before it looks at it',
    refusals: ['413', CUT_OFF],
    attack: async (target) => Promise.all([announced(target), endless(target, 'Transfer-Encoding: chunked')]),
    openUnprotected: (scene) => openDoor(scene.url, () => ({ status: 200, body: {} })),
  },
  simple('gzip bomb', {
    control: 'a door that unpacks what comes packed',
    refusals: ['400 request.malformed', '415 request.unsupported-media-type'],
    wishes: (scene) => ({
      '16 MiB in 16 KiB': post(gzipSync(Buffer.from(JSON.stringify(loginOf(scene)).padEnd(16 * MIB))), {
        'content-encoding': 'gzip',
      }),
    }),
    manner: ({ headers: { 'content-encoding': _, ...headers }, ...asked }) => ({
      ...asked,
      headers,
      body: Buffer.from(gunzipSync(asked.body).toString().trimEnd()),
    }),
  }),
  {
    ...simple('JSON depth', {
      control: 'a door that walks through the body by recursion',
      refusals: ['400 request.invalid', '400 request.malformed'],
      wishes: deepBodies,
      manner: (asked) => ({ status: 200, body: { depth: depthOf(jsonOf(asked)) } }),
    }),
    attack: async (target) =>
      Promise.all(
        Object.entries(deepBodies()).map(async ([what, wish]) => {
          const answer = await send(target, wish)
          return blow(what, answer, answer.status >= 500)
        }),
      ),
  },
  simple('a million keys', {
    control: 'a door that takes what it does not know',
    refusals: ['413 request.too-large', '400 request.invalid', CUT_OFF],
    wishes: (scene) => {
      const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 0]))
      return {
        'a million': post({ ...loginOf(scene), ...keys(1_000_000) }),
        'as many as the limit lets in': post({ ...loginOf(scene), ...keys(20_000) }),
      }
    },
    manner: (asked) => {
      const { email, password } = jsonOf(asked)
      return withJson(asked, { email, password })
    },
  }),
  simple('ten thousand query parameters', {
    control: 'a door that reads all of them',
    refusals: [
      '414 request.target-too-long',
      '400 request.too-many-parameters',
      '431 request.headers-too-large',
      '400 request.invalid',
    ],
    wishes: () => ({
      'ten thousand': { path: `/api/v1/products?${'a=1&'.repeat(10_000)}limit=1` },
      'as many as an address has room for': { path: `/api/v1/products?${'a=1&'.repeat(1_000)}limit=1` },
      'one a thousand times': { path: `/api/v1/products?${'limit=1&'.repeat(400)}limit=1` },
    }),
    manner: ({ path, ...asked }) => {
      const query = new URLSearchParams(path.split('?')[1])
      return { ...asked, path: `${path.split('?')[0]}?limit=${query.get('limit')}` }
    },
  }),
  simple('deep pages', {
    control: 'a door that reads its way to any page',
    refusals: ['400 request.invalid', '400 request.bad-cursor'],
    wishes: () => ({
      'a page of a billion': { path: '/api/v1/products?limit=1000000000' },
      'page a million': { path: '/api/v1/products?page=1000000' },
      'from the billionth on': { path: '/api/v1/products?offset=1000000000' },
      'a cursor of its own': { path: `/api/v1/products?after=${Buffer.from('["1000000000"]').toString('base64url')}` },
    }),
    manner: async (asked, scene) => passOn(scene.url, { ...asked, path: '/api/v1/products?limit=100' }),
  }),
  {
    area: 'Exhaustion',
    name: 'ReDoS',
    control: 'a server with a pattern that backtracks',
    refusals: [/^(?:200|201|400|401|409|429)/],
    attack: async (target, scene) => {
      const blows = await timed(target, scene)
      return target === scene ? blows : blows.filter(({ what }) => what.startsWith('many letters'))
    },
    openUnprotected: async () => {
      const worker = new Worker(EVIL, { eval: true })
      const [port] = (await once(worker, 'message')) as [number]
      return { url: `http://127.0.0.1:${port}`, close: async () => void (await worker.terminate()) }
    },
  },
]
