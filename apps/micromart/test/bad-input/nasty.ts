import { randomUUID } from 'node:crypto'

/** In every secret and every piece of personal data that is sent: where it turns up, something leaked. */
export const CANARY = 'canary7f3a'

/** The best-known test number; it passes the Luhn check. */
export const CARD_NUMBERS = ['4242424242424242', '4242 4242 4242 4242', '3782-822463-10005'] as const

export const NUL = 'a\u0000b'
export const HALF_A_PAIR = 'a\ud800b'

export const email = (name: string = randomUUID()) => `${CANARY}-${name}@example.com`

/** Path segments that name nothing, as they stand in an address. */
export const strangeSegments = [
  '0',
  '-1',
  '1e9',
  'NaN',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  'toString',
  "'%20OR%20'1'='1",
  '1;DROP%20TABLE%20users--',
  '%3Cscript%3Ealert(1)%3C',
  '%7B%22$ne%22:null%7D',
  '$%7Bjndi:ldap:',
  '%25s%25n',
  '%E2%80%AEevil',
  '%F0%9F%98%80',
  '%0d%0aSet-Cookie:x=1',
  '00000000-0000-0000-0000-000000000000',
  '0198-not-a-uuid',
  'ffffffff-ffff-ffff-ffff-fffffffffff',
  'x'.repeat(150),
]

/** Path segments that no address may have. */
export const forbiddenSegments = ['%00', 'x%00y', '..', '%2e%2e', '..%5c..%5cetc', '%E0%A4%A', '%ff', '%ED%A0%80', '%']

/** Values of Idempotency-Key that are refused. */
export const badKeys = ['k'.repeat(256), 'a blank in it and long enough', 'caf\u00e9-caf\u00e9-caf\u00e9-caf\u00e9']

/** Values of `limit` that are refused. */
export const badLimits = [
  '0',
  '-1',
  '1e9',
  '101',
  '1000000000',
  'NaN',
  'ten',
  '1.5',
  '',
  '%00',
  '1%20OR%201=1',
  '%D9%A1',
  '1&limit=2',
]

const cursor = (key: unknown) => Buffer.from(JSON.stringify(key)).toString('base64url')

/** Values of `after` that no list gives out. */
export const badCursors = [
  'x',
  '%00',
  '!!!',
  '..%2f..',
  cursor(null),
  cursor({}),
  cursor([]),
  cursor([null]),
  cursor([1]),
  cursor({ length: 1, 0: 'x' }),
  cursor(["' OR 1=1 --"]),
  cursor(['9'.repeat(19)]),
  cursor(['x', 'y', 'z']),
  cursor(['a\u0000b']),
  cursor(['a\u0000b', 'c']),
  `${cursor(['x'])}&after=${cursor(['x'])}`,
  'A'.repeat(600),
]

export const cursorOf = cursor
