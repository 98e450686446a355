import { randomUUID } from 'node:crypto'
import { openAccount } from '../../../src/newcomer.ts'
import type { Attack, Blow, Target } from '../abuse-case.ts'
import { bearer, NEW_PASSWORD, type Scene } from '../scene.ts'
import { type Answered, blow, send } from '../send.ts'
import { jsonOf, openDoor } from '../unprotected/door.ts'

const LOGIN = '/api/v1/auth/login'
const REGISTER = '/api/v1/auth/register'

const signIn = (target: Target, email: string, password: string) =>
  send(target, { method: 'POST', path: LOGIN, body: { email, password } })

const withoutTrace = ({ status, text }: Answered) => `${status} ${text.replace(/"traceId":"[0-9a-f]+"/, '')}`

const knows = async ({ database }: Scene, email: unknown) =>
  (await database('user').query('SELECT 1 FROM users WHERE email = $1', [String(email)])).length > 0

export const accountCases: readonly Attack[] = [
  {
    area: 'Accounts',
    name: 'enumeration by text or status, at sign-in',
    control: 'a door that says which of the two was wrong',
    refusals: ['the same'],
    attack: async (target, scene) => {
      const [known, unknown] = [
        await signIn(target, scene.people.attacker.email, 'a wrong password'),
        await signIn(target, `${randomUUID()}@example.com`, 'a wrong password'),
      ]
      const same = withoutTrace(known) === withoutTrace(unknown)
      return [
        { what: 'known and unknown', won: !same, answer: same ? 'the same' : `${known.said} and ${unknown.said}` },
      ]
    },
    openUnprotected: (scene) =>
      openDoor(scene.url, async (asked) =>
        (await knows(scene, jsonOf(asked).email)) ? asked : { status: 404, body: { code: 'user.unknown' } },
      ),
  },
  {
    area: 'Accounts',
    name: 'enumeration by text or status, by registering',
    control: 'a door that refuses an address that has an account',
    refusals: ['the same'],
    attack: async (target, scene) => {
      const register = (email: string) =>
        send(target, { method: 'POST', path: REGISTER, body: { email, password: NEW_PASSWORD, name: 'Eve' } })
      const [known, unknown] = [
        await register(scene.people.attacker.email),
        await register(`${randomUUID()}@example.com`),
      ]
      const same = withoutTrace(known) === withoutTrace(unknown) && unknown.status === 202
      return [
        { what: 'known and unknown', won: !same, answer: same ? 'the same' : `${known.said} and ${unknown.said}` },
      ]
    },
    openUnprotected: (scene) =>
      openDoor(scene.url, async (asked) =>
        (await knows(scene, jsonOf(asked).email)) ? { status: 409, body: { code: 'user.email-taken' } } : asked,
      ),
  },
  {
    area: 'Accounts',
    name: 'credential stuffing',
    control: 'a door that compares passwords as often as anybody likes',
    refusals: ['429 user.too-many-attempts'],
    attack: async (target, scene) => {
      const email = `${randomUUID()}@example.com`
      await openAccount(scene.call, { email, password: NEW_PASSWORD, name: 'Vic' })
      for (let index = 0; index < 30; index += 1) await signIn(target, email, `guess number ${index}`)
      const answer = await signIn(target, email, NEW_PASSWORD) // the guess that is right comes too late
      return [blow('the thirty-first guess', answer, answer.status === 200)]
    },
    openUnprotected: (scene) =>
      openDoor(scene.url, async (asked) => {
        const { password } = jsonOf(asked)
        return password === NEW_PASSWORD
          ? { status: 200, body: {} }
          : { status: 401, body: { code: 'user.bad-credentials' } }
      }),
  },
  {
    area: 'Accounts',
    name: 'mass assignment',
    control: 'a door that sets whatever fields come',
    refusals: ['400 request.invalid'],
    attack: async (target, scene) => {
      const fields = { roles: ['admin'], id: randomUUID(), isAdmin: true, emailVerified: true, passwordHash: 'x' }
      const blows = Object.entries(fields).map(async ([field, value]): Promise<Blow> => {
        const body = { email: `${randomUUID()}@example.com`, password: NEW_PASSWORD, name: 'Mallory', [field]: value }
        const answer = await send(target, { method: 'POST', path: REGISTER, body })
        return blow(field, answer)
      })
      const { attacker } = scene.people
      const own = await send(target, {
        method: 'PUT',
        path: `/api/v1/users/${attacker.id}/roles`,
        headers: bearer(attacker.token),
        body: { roles: ['admin'] },
      })
      const raised = {
        ...blow('own roles', own),
        answer: own.said === '403 auth.forbidden' ? '400 request.invalid' : own.said,
      }
      return [...(await Promise.all(blows)), raised]
    },
    openUnprotected: (scene) =>
      openDoor(scene.url, async (asked) => {
        if (asked.method === 'PUT') return { status: 200, body: {} }
        const { email, password, name, roles } = jsonOf(asked)
        const { user } = await openAccount(scene.call, { email, password, name })
        if (roles)
          await scene.call(
            { method: 'PUT', path: `/api/v1/users/${user.id}/roles`, body: { roles } },
            scene.people.admin.token,
          )
        return { status: 201, body: { user } }
      }),
  },
]
