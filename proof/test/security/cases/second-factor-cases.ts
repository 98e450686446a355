import { createHash } from 'node:crypto'
import type { Attack, Blow, Target } from '../abuse-case.ts'
import { bearer, NEW_PASSWORD, type Scene } from '../scene.ts'
import { challengeOf, newOwner } from '../second-factor-owner.ts'
import { blow, send } from '../send.ts'
import { openNaiveSecondFactor } from '../unprotected/naive-second-factor.ts'

const complete = (target: Target, challenge: string, code: string) =>
  send(target, { method: 'POST', path: '/api/v1/auth/login/second-factor', body: { challenge, code } })

const expire = ({ database }: Scene, challenge: string) =>
  database('user').execute(
    `UPDATE sign_in_challenges SET expires_at = expires_at - interval '300 s' WHERE challenge_hash = $1`,
    [createHash('sha256').update(challenge).digest('base64url')],
  )

const attack = (parts: Omit<Attack, 'area' | 'openUnprotected'>): Attack => ({
  area: 'Accounts',
  openUnprotected: openNaiveSecondFactor,
  ...parts,
})

export const secondFactorCases: readonly Attack[] = [
  attack({
    name: 'a code of an authenticator app that was seen over the shoulder, while it is still good',
    control: 'a door that compares codes with the time and remembers none',
    refusals: ['401 user.second-factor-wrong'],
    attack: async (target, scene) => {
      const owner = await newOwner(scene)
      const code = owner.app.code(1)
      const used = await complete(scene, await challengeOf(scene, owner), code)
      if (used.status !== 200) throw new Error(`the owner was answered ${used.said}`)
      return [blow('the same code again', await complete(target, await challengeOf(scene, owner), code))]
    },
  }),
  attack({
    name: 'guessing codes, with a new challenge for each few guesses',
    control: 'a door that compares codes as often as anybody likes',
    refusals: ['429 user.second-factor-waits'],
    attack: async (target, scene) => {
      const owner = await newOwner(scene)
      for (let nth = 0; nth < 6; nth += 1)
        await complete(target, await challengeOf(scene, owner), owner.app.wrongCode(nth))
      const answer = await complete(target, await challengeOf(scene, owner), owner.app.code(1))
      return [blow('the guess that is right', answer)]
    },
  }),
  attack({
    name: 'a recovery code, twice',
    control: 'a door that leaves recovery codes on their list',
    refusals: ['401 user.second-factor-wrong'],
    attack: async (target, scene) => {
      const owner = await newOwner(scene)
      const [code = ''] = owner.recoveryCodes
      const used = await complete(scene, await challengeOf(scene, owner), code)
      if (used.status !== 200) throw new Error(`the owner was answered ${used.said}`)
      return [blow('the same code again', await complete(target, await challengeOf(scene, owner), code))]
    },
  }),
  attack({
    name: 'codes of somebody else: own ones for another’s challenge, another’s for an own challenge',
    control: 'a door that asks whether a code is right, and not whose it is',
    refusals: ['401 user.second-factor-wrong'],
    attack: async (target, scene) => {
      const [mallory, victim] = [await newOwner(scene), await newOwner(scene)]
      const blows: Blow[] = []
      for (const [what, owner, other] of [
        ['an own code', victim, mallory],
        ['a code of the victim', mallory, victim],
      ] as const)
        for (const code of [other.app.code(1), other.recoveryCodes[0] ?? ''])
          blows.push(
            blow(`${what}: ${code.length} letters`, await complete(target, await challengeOf(scene, owner), code)),
          )
      return blows
    },
  }),
  attack({
    name: 'a challenge that is over, or was answered before',
    control: 'a door that asks whether a code is right, and not what it answers',
    refusals: ['401 user.challenge-unknown'],
    attack: async (target, scene) => {
      const owner = await newOwner(scene)
      const [late, answered] = [await challengeOf(scene, owner), await challengeOf(scene, owner)]
      await expire(scene, late)
      const used = await complete(scene, answered, owner.recoveryCodes[0] ?? '')
      if (used.status !== 200) throw new Error(`the owner was answered ${used.said}`)
      return [
        blow('after its end', await complete(target, late, owner.recoveryCodes[1] ?? '')),
        blow('after its answer', await complete(target, answered, owner.recoveryCodes[2] ?? '')),
      ]
    },
  }),
  attack({
    name: 'a challenge instead of a token',
    control: 'a door that takes it for signed in after the password',
    refusals: ['401 auth.invalid-token'],
    attack: async (target, scene) => {
      const headers = bearer(await challengeOf(scene, await newOwner(scene)))
      return [blow('the own account', await send(target, { path: '/api/v1/users/me', headers }))]
    },
  }),
  attack({
    name: 'switching it off with a stolen access token',
    control: 'a door that takes an access token for its owner',
    refusals: ['403 user.wrong-password', '403 user.second-factor-wrong', '400 request.invalid'],
    attack: async (target, scene) => {
      const { token, app } = await newOwner(scene)
      const bodies = [
        {},
        { password: 'a wrong password', code: app.code(1) },
        { password: NEW_PASSWORD },
        { password: NEW_PASSWORD, code: app.wrongCode() },
      ]
      const path = '/api/v1/users/me/second-factor/remove'
      const blows: Blow[] = []
      for (const body of bodies)
        blows.push(
          blow(
            Object.keys(body).join(' and ') || 'nothing',
            await send(target, { method: 'POST', path, headers: bearer(token), body }),
          ),
        )
      return blows
    },
  }),
]
