import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { until } from '@micromart/testkit/until'
import type { Attack, Blow, Target } from '../abuse-case.ts'
import { bearer, type Scene } from '../scene.ts'
import { blow, send, type Wish } from '../send.ts'
import { type Asked, jsonOf, openDoor, passOn } from '../unprotected/door.ts'

const LOGIN = '/api/v1/auth/login'
const post = (path: string, body: unknown): Wish => ({
  method: 'POST',
  path,
  body,
  headers: { 'content-type': 'application/json' },
})

/** A product that is not on sale: whoever sees it has got through the filter. */
async function draft(scene: Scene): Promise<string> {
  const handle = `draft-${randomUUID()}`
  const variants = [{ sku: handle.slice(0, 30).toUpperCase(), price: { minor: 1, currency: 'USD' } }]
  await scene.keeper.call({
    method: 'POST',
    path: '/api/v1/products',
    body: { handle, title: handle, status: 'draft', variants },
  })
  return handle
}

const sql: Attack = {
  area: 'Injection',
  name: 'SQL in filter and sort',
  control: 'a door that puts the filter into its SQL',
  refusals: ['200', '400 request.invalid', '400 request.bad-cursor', '401 auth.required'],
  attack: async (target, scene) => {
    const handle = await draft(scene)
    const words = {
      q: `q=${encodeURIComponent(`zzz%' OR handle = '${handle}' OR title ILIKE '`)}`,
      'q with a comment': `q=${encodeURIComponent(`zzz%' OR handle = '${handle}' -- `)}`,
      'q with UNION': `q=${encodeURIComponent(`zzz%' UNION SELECT handle FROM products WHERE handle = '${handle}' -- `)}`,
    }
    const blows = Object.entries(words).map(async ([what, query]) => {
      const answer = await send(target, { path: `/api/v1/products?${query}` })
      return blow(what, answer, answer.text.includes(handle))
    })
    return Promise.all(blows)
  },
  openUnprotected: (scene) =>
    openDoor(scene.url, async ({ path }) => {
      const { searchParams } = new URL(path, 'http://shop.test')
      const items = await scene
        .database('product')
        .query(`SELECT handle FROM products WHERE status = 'active' AND title ILIKE '%${searchParams.get('q')}%'`)
      return { status: 200, body: { items } }
    }),
}

const noSql: Attack = {
  area: 'Injection',
  name: 'NoSQL operators',
  control: 'a door that hands the body to its store as a filter',
  refusals: ['400 request.invalid'],
  attack: async (target, scene) => {
    const { email } = scene.people.victim
    const bodies = {
      'not equal': { email, password: { $ne: null } },
      greater: { email, password: { $gt: '' } },
      pattern: { email, password: { $regex: '.*' } },
    }
    return Promise.all(
      Object.entries(bodies).map(async ([what, body]) => blow(what, await send(target, post(LOGIN, body)))),
    )
  },
  openUnprotected: (scene) =>
    openDoor(scene.url, (asked) => {
      const { email, password } = jsonOf(asked)
      const isMatch = typeof password === 'object' || password === ''
      const person = Object.values(scene.people).find((one) => one.email === email)
      return isMatch && person ? { status: 200, body: { accessToken: person.token } } : asked
    }),
}

/** As every second helper for options once did. */
function mergeInto(target: Record<string, unknown>, source: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(source))
    if (typeof value === 'object' && value !== null) {
      target[name] ??= {}
      mergeInto(target[name] as Record<string, unknown>, value as Record<string, unknown>)
    } else target[name] = value
}

const pollution: Attack = {
  area: 'Injection',
  name: 'prototype pollution',
  control: 'a door in the same process that lays the body over its defaults, field by field',
  refusals: ['400 request.malformed', '400 request.invalid'],
  attack: async (target) => {
    const field = `polluted${randomUUID().slice(0, 8)}`
    const bodies = {
      __proto__: `{"__proto__":{"${field}":true}}`,
      'within a field': `{"email":{"__proto__":{"${field}":true}},"password":"x"}`,
      constructor: `{"constructor":{"prototype":{"${field}":true}}}`,
    }
    const blows: Blow[] = []
    for (const [what, body] of [['__proto__', '{"__proto__":{"F":true}}'] as const, ...Object.entries(bodies)]) {
      const answer = await send(target, post(LOGIN, body.replace('"F"', `"${field}"`)))
      blows.push(blow(what, answer, field in {})) // the shop runs in this very process
      Reflect.deleteProperty(Object.prototype, field)
    }
    return blows
  },
  openUnprotected: (scene) =>
    openDoor(scene.url, (asked) => {
      mergeInto({}, jsonOf(asked))
      return { status: 200, body: {} }
    }),
}

/** Names that are a program in one language or another. */
const programs = {
  braces: '{{7*191}}',
  dollar: `$${'{7*191}'}`,
  percent: '<%= 7*191 %>',
  markup: '<b id=x1337>bold</b>',
}
const SEVEN = /1337/

async function mailTo(target: Target, scene: Scene, name: string): Promise<{ plain: string; html: string }> {
  const cart = await scene.guestCart()
  const email = `${randomUUID()}@example.com`
  const shippingAddress = { name, line1: name, city: 'York', postalCode: 'YO1', country: 'GB' }
  const answer = await send(target, {
    ...post(`/api/v1/carts/${cart.id}/checkout`, { email, shippingAddress, payment: { method: 'sandbox:success' } }),
    headers: { 'content-type': 'application/json', 'cart-token': cart.token, 'idempotency-key': randomUUID() },
  })
  if (target !== scene) return { plain: '', html: answer.text }
  return until(
    async () => {
      const { body } = await scene.keeper.call({
        method: 'GET',
        path: `/api/v1/mailbox?to=${encodeURIComponent(email)}`,
      })
      const [mail] = body.items
      return mail && { plain: `${mail.subject}\n${mail.text}`, html: String(mail.html) }
    },
    { what: 'a mail', withinMs: 60_000 },
  )
}

const templates: Attack = {
  area: 'Injection',
  name: 'templates in notifications',
  control: 'a door that writes its mails with the name as part of the template',
  refusals: ['a mail without it'],
  attack: async (target, scene) => {
    const blows = Object.entries(programs).map(async ([what, name]) => {
      const mail = await mailTo(target, scene, name)
      const won = mail.html.includes('<b id=x1337>') || (what !== 'markup' && SEVEN.test(mail.plain + mail.html))
      return { what, won, answer: won ? 'a mail with it' : 'a mail without it' }
    })
    return Promise.all(blows)
  },
  openUnprotected: (scene) =>
    openDoor(scene.url, (asked) => {
      const { name } = jsonOf(asked).shippingAddress
      const text = String(name).replace(/(?:\{\{|\$\{|<%=)\s*(\d+)\*(\d+)\s*(?:\}\}|\}|%>)/, (_, a, b) => String(a * b))
      return { status: 200, body: `<p>Dear ${text}</p>` }
    }),
}

const FORGED = 'forged-log-line'

const logs: Attack = {
  area: 'Injection',
  name: 'CRLF and ANSI in logs',
  control: 'a door that logs what it is asked, as it is asked',
  refusals: [/^\d{3}/],
  attack: async (target, scene) => {
    const mark = `${FORGED}-${randomUUID()}`
    const wishes: Readonly<Record<string, Wish>> = {
      'in an address': { path: `/api/v1/products/x%0a${mark}` },
      'in a query': { path: `/api/v1/products?q=x%0a${mark}` },
      colours: { path: `/api/v1/products/x%1b[31m%0a${mark}` },
      'in a field': post(LOGIN, { email: `x\n${mark}`, password: `x\n${mark}` }),
      'in a name': post('/api/v1/auth/register', { email: 'x', password: 'long enough', name: `x\r\n${mark}` }),
    }
    const answers = Object.entries(wishes).map(async ([what, wish]) => ({ what, answer: await send(target, wish) }))
    const all = await Promise.all(answers)
    const log = target === scene ? await scene.log() : (await send(target, { path: '/log' })).body.log
    const isForged = log.split('\n').some((line: string) => line.startsWith(mark)) || log.includes('\u001b')
    return all.map(({ what, answer }) => blow(what, answer, isForged))
  },
  openUnprotected: (scene) => {
    let log = ''
    return openDoor(scene.url, (asked: Asked) => {
      if (asked.path === '/log') return { status: 200, body: { log } }
      const fields = asked.body.length > 0 ? Object.values(jsonOf(asked)).join(' ') : ''
      log += `${asked.method} ${decodeURIComponent(asked.path)} ${fields}\n`
      return asked
    })
  },
}

const ssrf: Attack = {
  area: 'Injection',
  name: 'SSRF through image URLs',
  control: 'a door that fetches the picture that it is told of',
  refusals: ['201', '400 request.invalid', '200'],
  attack: async (target, scene) => {
    let visits = 0
    const inside = createServer((_request, response) => {
      visits += 1
      response.end('a secret of the inside')
    })
    await once(inside.listen(0, '127.0.0.1'), 'listening')
    const { port } = inside.address() as AddressInfo
    const blows: Blow[] = []
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '0177.0.0.1', '0x7f.1', '[::ffff:127.0.0.1]']) {
      const handle = `ssrf-${randomUUID()}`
      const url = `http://${host}:${port}/latest/meta-data/`
      const body = {
        handle,
        title: handle,
        images: [{ url }],
        variants: [{ sku: handle.slice(0, 30), price: { minor: 1, currency: 'USD' }, imageUrl: url }],
      }
      const before = visits
      const answer = await send(target, {
        method: 'POST',
        path: '/api/v1/products',
        headers: bearer(scene.people.staff.token),
        body,
      })
      if (answer.status === 201) await send(target, { path: `/api/v1/products/${handle}` })
      blows.push(blow(host, answer, visits > before))
    }
    inside.close()
    return blows
  },
  openUnprotected: (scene) =>
    openDoor(scene.url, async (asked) => {
      const url = asked.body.length > 0 ? jsonOf(asked).images?.[0]?.url : undefined
      if (url) await fetch(url).catch(() => {})
      return passOn(scene.url, asked)
    }),
}

export const injectionCases: readonly Attack[] = [sql, noSql, pollution, templates, logs, ssrf]
