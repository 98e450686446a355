import { randomUUID } from 'node:crypto'
import { type Newcomer, openAccount } from '../../../src/newcomer.ts'
import type { Attack, Blow, Target } from '../abuse-case.ts'
import { bearer, NEW_PASSWORD, type Scene } from '../scene.ts'
import { blow, send } from '../send.ts'
import { jsonOf, openDoor, withJson } from '../unprotected/door.ts'

const REFRESH = '/api/v1/auth/refresh'

const signedIn = (scene: Scene) =>
  openAccount(scene.call, { email: `${randomUUID()}@example.com`, password: NEW_PASSWORD, name: 'Vic' })

const refresh = (target: Target, refreshToken: string) =>
  send(target, { method: 'POST', path: REFRESH, body: { refreshToken } })

/** A door that keeps what was good once: it hands out the newest refresh token for any older one, and asks the shop with that. */
const openForgetful = (scene: Scene) =>
  openDoor(scene.url, async (asked) => {
    if (asked.path !== REFRESH) return asked
    const tokens = await signedIn(scene)
    return jsonOf(asked).refreshToken === undefined ? asked : withJson(asked, { refreshToken: tokens.refreshToken })
  })

export const sessionCases: readonly Attack[] = [
  {
    area: 'Tokens',
    name: 'a refresh token that was used before revokes its family',
    control: 'a door that takes a refresh token as often as it comes',
    refusals: ['401 user.refresh-token-invalid'],
    attack: async (target, scene) => {
      const stolen = await signedIn(scene)
      const used = [stolen.refreshToken]
      for (let times = 0; times < 3; times += 1) used.push((await refresh(scene, used.at(-1) ?? '')).body.refreshToken)
      const [first = '', , , last = ''] = used
      return [
        blow('the first one', await refresh(target, first)),
        blow('the last one, after that', await refresh(target, last)),
      ]
    },
    openUnprotected: openForgetful,
  },
  {
    area: 'Tokens',
    name: 'a refresh token that many use at the same moment',
    control: 'a door that takes a refresh token as often as it comes',
    refusals: ['401 user.refresh-token-invalid'],
    attack: async (target, scene) => {
      const { refreshToken } = await signedIn(scene)
      const answers = await Promise.all(Array.from({ length: 12 }, () => refresh(target, refreshToken)))
      const good = answers.filter(({ status }) => status === 200)
      const successors = await Promise.all(good.map(({ body }) => refresh(target, body.refreshToken)))
      return successors.map((answer, index): Blow => blow(`successor ${index + 1}`, answer))
    },
    openUnprotected: openForgetful,
  },
  {
    area: 'Tokens',
    name: 'use after logout',
    control: 'a door that tells the client to forget its tokens, and nobody else',
    refusals: ['401 user.refresh-token-invalid'],
    attack: async (target, scene) => {
      const [one, all] = [await signedIn(scene), await signedIn(scene)]
      const out = (path: string, { accessToken }: Newcomer) =>
        send(target, { method: 'POST', path, headers: bearer(accessToken) })
      await out('/api/v1/auth/logout', one)
      await out('/api/v1/auth/logout-everywhere', all)
      return [
        blow('the refresh token, after logout', await refresh(target, one.refreshToken)),
        blow('the refresh token, after logout everywhere', await refresh(target, all.refreshToken)),
      ]
    },
    openUnprotected: (scene) =>
      openDoor(scene.url, (asked) => (asked.path.includes('logout') ? { status: 204, body: '' } : asked)),
  },
]
