import { analytics } from '@micromart/analytics/main'
import { cart } from '@micromart/cart/main'
import { permissionsOf } from '@micromart/contracts/permissions'
import { buildHttp, type HttpServer } from '@micromart/http-kit/server'
import { inventory } from '@micromart/inventory/main'
import { isUuid } from '@micromart/kernel/ids'
import { notification } from '@micromart/notification/main'
import { order } from '@micromart/order/main'
import type { Database } from '@micromart/postgres/database'
import { product } from '@micromart/product/main'
import { parseConfig } from '@micromart/service-kit/config'
import { queryClients } from '@micromart/service-kit/queries'
import { type AnyServiceDefinition, CommonConfig } from '@micromart/service-kit/service'
import { silentLogger } from '@micromart/telemetry/logger'
import Type from 'typebox'
import type { Random } from '../../random.ts'
import { mutate, noise } from '../mutate.ts'
import type { FuzzTarget } from '../target.ts'

const cursor = (...key: readonly string[]) => `after=${Buffer.from(JSON.stringify(key)).toString('base64url')}`
const UUID = '01931c2e-7a5f-7b0a-9c1d-0123456789ab'
const AT = '2026-11-21T12:00:00.000Z'
const pages = ['limit=20', 'limit=100', 'limit=1']

/** Every list with filters that it knows. */
const lists = [
  [
    product,
    '/api/v1/products',
    [...pages, cursor(UUID), 'q=red%20shoe', "q=a'%20&%20b%20|%20!c:*", 'status=any', 'status=active'],
  ],
  [product, '/api/v1/products', [`q=shoe&${cursor('0.0607927', UUID)}`, `q=x&${cursor('1e-10', UUID)}`, ...pages]],
  [inventory, '/api/v1/inventory/SKU-1/movements', [...pages, cursor('12'), cursor(UUID)]],
  [cart, '/api/v1/coupons', [...pages, cursor(AT, 'CODE')]],
  [order, '/api/v1/orders', [...pages, cursor(UUID)]],
  [analytics, '/api/v1/analytics/sales', ['from=2026-01-01&to=2026-02-01', 'to=2026-11-21', 'from=2026-02-31']],
  [
    notification,
    '/api/v1/mailbox',
    [...pages, cursor(AT, UUID), 'to=a%40b.co', cursor('2026-02-31T00:00:00.000Z', 'x')],
  ],
  [notification, '/mailbox', ['to=a%40b.co', `mail=${UUID}`, 'to=%3Cscript%3E']],
] as const

const words = [
  ...['&', '=', '%00', '%', '[]', '[$ne]', '[0]', '.', '+', '%20', ';', '#', '&limit=2', '&__proto__=1', 'constructor'],
  ...["' OR 1=1--", '\\', '1e9', '-1', 'NaN', '%ff', '%ed%a0%80', '%f0%9f%98%80', ':*', '!', '(', '<->'],
]

/** The list routes of all services, with a database that finds nothing and looks at what it is asked. */
export const filterTarget: FuzzTarget = {
  name: 'filter',
  what: 'query strings of every list; a fault is a crash, a 5xx, SQL made of input, or a value that the database could not read',
  async open() {
    const asked = watchedDatabase()
    const doors = new Map<AnyServiceDefinition, HttpServer>()
    for (const [service] of lists)
      if (!doors.has(service)) doors.set(service, await openService(service, asked.database))
    return {
      input: (random) => {
        const [, path, filters] = random.pick(lists)
        return `${path}?${random.chance(0.95) ? query(random, filters) : noise(random)}`
      },
      run: async (url) => {
        const list = lists.find(([, path]) => url.startsWith(`${path}?`))
        const door = list && doors.get(list[0])
        if (!door) throw new Error(`There is no list at ${url}`)
        const { statusCode, payload } = await door.inject({
          method: 'GET',
          url: printable(url),
          headers: { authorization: 'Bearer staff' },
        })
        const complaint = asked.complaint()
        if (complaint !== undefined) throw new Error(complaint)
        if (statusCode === 200) return 'accepted'
        if (statusCode !== 400 && statusCode !== 404) throw new Error(`answered ${statusCode} ${payload}`)
        if (!/"code":"[a-z]+\.[a-z-]+"/.test(payload)) throw new Error(`answered without a code: ${payload}`)
        return 'refused'
      },
    }
  },
}

function query(random: Random, filters: readonly string[]): string {
  const chosen = random.shuffle(filters).slice(0, random.between(1, 2)).join('&')
  return random.chance(0.2) ? chosen : mutate(random, chosen, words)
}

/** As it can stand in a request line; anything else does not come through HTTP. */
const printable = (url: string) =>
  url.replaceAll(/[^\x21-\x7e]/gu, (letter) => encodeURIComponent(letter.toWellFormed()))

const readers: Readonly<Record<string, (value: unknown) => boolean>> = {
  uuid: (value) => isUuid(String(value)),
  real: (value) => Number.isFinite(value),
  date: (value) => !Number.isNaN(Date.parse(String(value))),
  timestamptz: (value) => !Number.isNaN(Date.parse(String(value))),
}

/** Finds nothing; remembers what no PostgreSQL would have taken. */
function watchedDatabase() {
  const MOST_STATEMENTS = 40
  const statements = new Set<string>()
  let fault: string | undefined
  const query: Database['query'] = async (text, values = []) => {
    statements.add(text)
    if (statements.size > MOST_STATEMENTS) fault = `made SQL of its input: ${text}`
    const casts = new Map([...text.matchAll(/\$(\d+)::(\w+)/g)].map(([, place, type]) => [Number(place), type ?? '']))
    values.forEach((value, index) => {
      const type = casts.get(index + 1) ?? 'text'
      const isReadable = readers[type] ?? ((one: unknown) => !String(one).includes('\u0000'))
      if (value !== null && value !== undefined && !isReadable(value))
        fault = `gave the database ${JSON.stringify(value)} for ${type}`
    })
    return []
  }
  const database: Database = {
    query,
    execute: async (text, values) => (await query(text, values)).length,
    transaction: () => Promise.reject(new Error('a list has no transaction')),
    session: () => Promise.reject(new Error('a list has no session')),
    close: async () => {},
  }
  return {
    database,
    complaint: () => {
      const said = fault
      fault = undefined
      return said
    },
  }
}

const nowhere = 'http://127.0.0.1:9'
const environment = {
  MICROMART_ENV: 'development',
  PORT: '0',
  DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none',
  INTERNAL_TOKEN: 'none',
  ...Object.fromEntries(
    ['JWKS_URL', 'PUBLIC_URL', 'SELF_URL', 'USER_GRPC_URL', 'CART_GRPC_URL', 'PRODUCT_GRPC_URL'].map((name) => [
      name,
      nowhere,
    ]),
  ),
}

async function openService(definition: AnyServiceDefinition, database: Database): Promise<HttpServer> {
  const unused = () => Promise.reject(new Error('a list writes nothing'))
  const clock = { now: () => new Date(AT) }
  const ids = { next: () => UUID }
  const log = silentLogger()
  const config = parseConfig(Type.Object({ ...CommonConfig.properties, ...definition.config.properties }), environment)
  const roles = ['admin'] as const
  const staff = { kind: 'user', userId: UUID, roles, permissions: permissionsOf(roles), sessionId: undefined } as const
  const http = await buildHttp({ service: definition.name, log, ids, verifyToken: async () => staff })
  await definition.build({
    ...{ config: config as never, database, clock, ids, log, http },
    outbox: unused as never,
    timers: unused as never,
    write: unused,
    audit: unused as never,
    grpc: queryClients('none'),
    openDatabase: () => database,
  })
  await http.ready()
  return http
}
