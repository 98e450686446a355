import type { Scene } from '../scene.ts'
import { ownersIn } from '../second-factor-owner.ts'
import { jsonOf, openDoor } from './door.ts'

/** A door that compares a code with what is right around now or was right once, whoever's it is, and remembers nothing. */
export const openNaiveSecondFactor = (scene: Scene) =>
  openDoor(scene.url, (asked) => {
    if (asked.path.endsWith('/remove')) return { status: 204, body: '' }
    if (asked.path === '/api/v1/users/me') return { status: 200, body: {} }
    const { code } = jsonOf(asked)
    const isRight = ownersIn(scene).some(
      ({ app, recoveryCodes }) =>
        [-2, -1, 0, 1, 2].some((step) => app.code(step) === code) || recoveryCodes.includes(code),
    )
    return isRight ? { status: 200, body: {} } : { status: 401, body: { code: 'user.second-factor-wrong' } }
  })
