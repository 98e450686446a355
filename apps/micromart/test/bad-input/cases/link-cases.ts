import { randomUUID } from 'node:crypto'
import { bad, type Refusal } from '../case.ts'
import type { Scene } from '../scene.ts'

export const LINK: Refusal = '422 user.link-invalid'

/** What can be sent in the place of a mailed token. */
const noTokens = (good: string): readonly string[] => [
  good.slice(1),
  `${good}A`,
  `${good.slice(0, -2)}${good.endsWith('AA') ? 'BB' : 'AA'}`,
  good.toUpperCase() === good ? good.toLowerCase() : good.toUpperCase(),
  '-'.repeat(64),
  "' OR '1'='1",
  '../../etc/passwd',
  'eyJhbGciOiJub25lIn0.e30.',
  randomUUID(),
]

/** What is wrong with a mailed link, whatever it is for. */
export const linkCases = (path: string, tokenOf: (scene: Scene) => string, body: object = {}) => ({
  good: (scene: Scene) => ({ path, body: { token: tokenOf(scene), ...body } }),
  idempotent: true as const,
  special: (scene: Scene) => [
    ...noTokens(tokenOf(scene)).map((token) => bad(`the token ${token}`, { body: { token, ...body } }, LINK)),
    ...Object.values(scene.people.tokens)
      .filter((token) => token !== tokenOf(scene))
      .map((token) => bad('the token of another kind of link', { body: { token, ...body } }, LINK)),
  ],
})
