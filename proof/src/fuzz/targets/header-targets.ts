import { isIP } from 'node:net'
import { requestHeaders } from '@micromart/gateway/headers'
import { clientBehind, limitKey, trustedProxies } from '@micromart/http-kit/client-address'
import { bearerToken } from '@micromart/http-kit/identity'
import { requestContext } from '@micromart/http-kit/request-context'
import { mutate, noise } from '../mutate.ts'
import { refusedBy } from '../refusal.ts'
import type { FuzzTarget } from '../target.ts'

const bearers = ['Bearer abc.def.ghi', 'bearer abc', 'BEARER a-b_c~d+e/f==', 'Basic YTpi', 'Bearer', 'Digest x="y"']

/** RFC 6750: what comes out is one token of its alphabet, and stood in the header. */
export const bearerTarget: FuzzTarget = {
  name: 'bearer',
  what: 'the Authorization header; a fault is a crash, or a token with characters that no token has',
  open: () => ({
    input: (random) =>
      random.chance(0.9) ? mutate(random, random.pick(bearers), [' ', ',', 'Bearer ', '=', '\t']) : noise(random),
    run: (input) => {
      try {
        const token = bearerToken(input)
        if (token === undefined || !/^[\w.~+/=-]+$/.test(token) || !input.endsWith(token))
          throw new Error(`took ${JSON.stringify(token)} for a token`)
        return 'accepted'
      } catch (error) {
        return refusedBy(error, ['auth.invalid-token'])
      }
    },
  }),
}

const SAFE_ID = /^[A-Za-z0-9._-]{1,100}$/
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const traces = [
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  '00-00000000000000000000000000000000-0000000000000000-00',
  'a-request.id_1',
]

/** What stands in every log line, message and answer afterwards. */
export const traceTarget: FuzzTarget = {
  name: 'trace',
  what: 'X-Request-Id and traceparent; a fault is a crash, or an id or trace that could break a log line or a header',
  open: () => ({
    input: (random) => (random.chance(0.9) ? mutate(random, random.pick(traces), ['-', '00-', '\r\n']) : noise(random)),
    run: (input) => {
      const made = requestContext({ 'x-request-id': input, traceparent: input }, { next: () => 'ours' })
      if (!SAFE_ID.test(made.correlationId) || !TRACEPARENT.test(made.traceparent))
        throw new Error(`made ${JSON.stringify(made)}`)
      return made.correlationId === 'ours' ? 'refused' : 'accepted'
    },
  }),
}

const connections = ['close', 'keep-alive, x-user-id', 'X-User-Id', 'x-forwarded-for, authorization', 'upgrade', '']
const names = ['x-user-id', 'x-forwarded-for', 'authorization', 'x-harmless', 'x-http-method-override', 'te']
const NEVER = /^(?:x-user-|x-real-ip|x-http-method|connection$|te$|transfer-encoding$|upgrade$)/

/** A Connection header names others, which then go no further: it must not take away what the gateway itself says. */
export const connectionTarget: FuzzTarget = {
  name: 'connection',
  what: 'the headers that the gateway passes on; a fault is a crash, a lie passed on, or an own word left out',
  open: () => ({
    input: (random) => {
      const header = random.pick(names)
      return `${mutate(random, random.pick(connections), [...names, ',', ' '])}\n${random.chance(0.5) ? header : mutate(random, header, names)}`
    },
    run: (input) => {
      const [connection = '', name = ''] = input.split('\n')
      const received = { connection, host: 'shop', 'x-forwarded-for': 'a lie', [name.toLowerCase()]: 'a lie' }
      const context = { correlationId: 'id', causationId: 'id', traceparent: 'trace' }
      const flat = requestHeaders({ headers: received, address: '192.0.2.1', context }, 1_000)
      const passed = flat.flatMap((text, index) => (index % 2 === 0 ? [[text, flat[index + 1]] as const] : []))
      const lie = passed.find(([key, value]) => NEVER.test(key) && value === 'a lie')
      if (lie) throw new Error(`passed ${lie[0]} on`)
      const ours = { 'x-forwarded-for': '192.0.2.1', 'x-request-id': 'id', traceparent: 'trace' }
      const saysOnlyOnce = ([name, value]: [string, string]) =>
        JSON.stringify(passed.filter(([key]) => key === name)) === JSON.stringify([[name, value]])
      if (!Object.entries(ours).every(saysOnlyOnce)) throw new Error('left out what the gateway says')
      return flat.includes('a lie') ? 'accepted' : 'refused'
    },
  }),
}

const PROXY = '10.0.0.1'
const SEEN = '203.0.113.9'
const chains = [
  '198.51.100.1',
  '2001:db8::5, 10.0.0.2',
  '[2001:db8::5]:443',
  '::ffff:198.51.100.1, unknown',
  'fe80::1%eth0',
]
const isOurs = trustedProxies(['10.0.0.0/8'])

/** Whatever a client writes before our proxy appends what it saw, only that counts. */
export const clientTarget: FuzzTarget = {
  name: 'client',
  what: 'X-Forwarded-For; a fault is a crash, a client that chooses under which address it is counted, or a key that is no address',
  open: () => ({
    input: (random) =>
      random.chance(0.9)
        ? mutate(random, random.pick(chains), [',', ', ', '::', '10.0.0.3', '.', '%', '[', ']'])
        : noise(random),
    run: (input) => {
      const counted = clientBehind(PROXY, `${input}, ${SEEN}`, isOurs)
      if (counted !== SEEN) throw new Error(`counted as ${counted}`)
      const client = clientBehind(PROXY, input, isOurs)
      const key = limitKey(client)
      if (!isIP(client) || !/^[0-9a-f.:]+(?:\/64)?$/.test(key)) throw new Error(`counted under ${key} for ${client}`)
      return client === PROXY ? 'refused' : 'accepted'
    },
  }),
}
