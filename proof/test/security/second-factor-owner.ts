import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { systemClock } from '@micromart/kernel/clock'
import { authenticatorApp } from '@micromart/testkit/authenticator-app'
import { openAccount } from '../../src/newcomer.ts'
import { NEW_PASSWORD, type Scene } from './scene.ts'

/** Somebody with a second factor: the code of now has been used, the next one is good already. */
export interface Owner {
  readonly id: string
  readonly email: string
  readonly token: string
  readonly app: ReturnType<typeof authenticatorApp>
  readonly recoveryCodes: readonly string[]
}

const owners = new WeakMap<Scene, Owner[]>()

/** All that were made in this scene: what an unprotected shop would know of. */
export const ownersIn = (scene: Scene): readonly Owner[] => owners.get(scene) ?? []

export async function newOwner(scene: Scene): Promise<Owner> {
  const post = async (path: string, body: unknown, token?: string) => {
    const answer = await scene.call({ method: 'POST', path, body }, token)
    assert.ok(answer.status < 300, answer.text)
    return answer.body
  }
  const email = `${randomUUID()}@example.com`
  const { user, accessToken: token } = await openAccount(scene.call, { email, password: NEW_PASSWORD, name: 'Vic' })
  const { secret } = await post('/api/v1/users/me/second-factor/totp', { password: NEW_PASSWORD }, token)
  const app = authenticatorApp({ secret, clock: systemClock })
  const { recoveryCodes } = await post('/api/v1/users/me/second-factor/totp/confirm', { code: app.code() }, token)
  const owner = { id: user.id, email, token, app, recoveryCodes }
  owners.set(scene, [...ownersIn(scene), owner])
  return owner
}

/** What stands between the right password and the account. */
export async function challengeOf({ call }: Scene, { email }: Owner): Promise<string> {
  const answer = await call({ method: 'POST', path: '/api/v1/auth/login', body: { email, password: NEW_PASSWORD } })
  assert.equal(answer.status, 202, answer.text)
  return answer.body.challenge
}
