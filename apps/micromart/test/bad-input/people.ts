import assert from 'node:assert/strict'
import type { Shopper } from '@micromart/proof/shopper'
import { until } from '@micromart/testkit/until'
import { email } from './nasty.ts'

/** Somebody with an account of their own, and a password that may be changed. */
export interface Person {
  readonly email: string
  readonly password: string
  readonly token: string
}

/** One person for each thing that can be done to an account, with what was mailed for it. */
export interface People {
  readonly changesPassword: Person
  readonly changesEmail: Person
  readonly closes: Person
  readonly keepsAddresses: Person & { readonly addressId: string }
  /** Of mailed links that nobody has opened. */
  readonly tokens: { readonly verify: string; readonly reset: string; readonly change: string }
}

export const address = {
  ...{ name: 'Ada', line1: '1 High Street', line2: '', city: 'York', region: '', postalCode: 'YO1 7HH', country: 'GB' },
}

export async function openPeople(shopper: Shopper): Promise<People> {
  const call = async (path: string, body: object, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await shopper.call({ method: 'POST', path, body, headers })
    assert.ok([201, 202].includes(answer.status), `${path}: ${answer.status} ${answer.text}`)
    return answer.body
  }
  const register = async (): Promise<Person> => {
    const person = { email: email(), password: 'a password of my own' }
    const { accessToken } = await call('/api/v1/auth/register', { ...person, name: 'Ada' })
    return { ...person, token: accessToken as string }
  }
  /** What the newest mail with a link of this kind carries. */
  const mailed = (to: string, template: string) =>
    until(
      async () => {
        const { body } = await shopper.call({ method: 'GET', path: `/api/v1/mailbox?to=${encodeURIComponent(to)}` })
        const mails = body.items as readonly { template: string; text: string }[]
        const text = mails.find((mail) => mail.template === template)?.text ?? ''
        return /#token=([\w-]+)/.exec(text)?.[1]
      },
      { withinMs: 20_000, what: `the mail ${template}` },
    )

  const keeper = await register()
  const { id } = await call('/api/v1/users/me/addresses', address, keeper.token)
  const [verifies, resets, changes] = [await register(), await register(), await register()]
  await call('/api/v1/auth/password-resets', { email: resets.email })
  const newEmail = email()
  await call('/api/v1/users/me/email', { newEmail, password: changes.password }, changes.token)
  return {
    changesPassword: await register(),
    changesEmail: await register(),
    closes: await register(),
    keepsAddresses: { ...keeper, addressId: id as string },
    tokens: {
      verify: await mailed(verifies.email, 'verify-email'),
      reset: await mailed(resets.email, 'reset-password'),
      change: await mailed(newEmail, 'confirm-new-email'),
    },
  }
}
