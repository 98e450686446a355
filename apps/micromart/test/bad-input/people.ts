import assert from 'node:assert/strict'
import type { Database } from '@micromart/postgres/database'
import { mailedToken, openAccount } from '@micromart/proof/newcomer'
import type { Shopper } from '@micromart/proof/shopper'
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
  /** Has asked for an export, and has it. */
  readonly readsExport: Person & { readonly exportId: string }
  readonly isForgotten: Person
  /** Signed in, with an address that nobody has proven: as a shop has them that did not ask for it before. */
  readonly isUnproven: Person
  /** Opens the receipt of somebody who asked to be forgotten. */
  readonly receiptToken: string
  /** Of mailed links that nobody has opened. */
  readonly tokens: { readonly verify: string; readonly reset: string; readonly change: string; readonly erase: string }
  /** The id of an account that its owner has closed. */
  readonly closedId: string
}

export const address = {
  ...{ name: 'Ada', line1: '1 High Street', line2: '', city: 'York', region: '', postalCode: 'YO1 7HH', country: 'GB' },
}

export async function openPeople(shopper: Shopper, books: Database): Promise<People> {
  const call = async (path: string, body: object | undefined, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await shopper.call({ method: 'POST', path, body, headers })
    assert.ok([201, 202, 204].includes(answer.status), `${path}: ${answer.status} ${answer.text}`)
    return answer.body
  }
  const register = async (): Promise<Person & { readonly id: string }> => {
    const person = { email: email(), password: 'a password of my own' }
    const { user, accessToken } = await openAccount(shopper.call, { ...person, name: 'Ada' })
    return { ...person, id: user.id, token: accessToken }
  }
  const mailed = (to: string, template: string) => mailedToken(shopper.call, { to, template })

  const keeper = await register()
  const { id } = await call('/api/v1/users/me/addresses', address, keeper.token)
  const [resets, changes, unproven] = [await register(), await register(), await register()]
  await books.execute('UPDATE users SET email_verified_at = NULL WHERE email = $1', [unproven.email])
  const verifies = { email: email(), password: 'a password of my own', name: 'Ada' }
  await call('/api/v1/auth/register', verifies)
  await call('/api/v1/auth/password-resets', { email: resets.email })
  const closed = async () => {
    const person = await register()
    await call('/api/v1/users/me/close', { password: person.password }, person.token)
    return person
  }
  const asksByMail = await closed()
  await call('/api/v1/auth/erasure-requests', { email: asksByMail.email })
  const newEmail = email()
  const [reader, leaver] = [await register(), await register()]
  const { id: exportId } = await call('/api/v1/users/me/exports', undefined, reader.token)
  const { receiptToken } = await call('/api/v1/users/me/erasure', { password: leaver.password }, leaver.token)
  await call('/api/v1/users/me/email', { newEmail, password: changes.password }, changes.token)
  return {
    changesPassword: await register(),
    changesEmail: await register(),
    closes: await register(),
    keepsAddresses: { ...keeper, addressId: id as string },
    readsExport: { ...reader, exportId: exportId as string },
    isForgotten: await register(),
    isUnproven: unproven,
    receiptToken: receiptToken as string,
    tokens: {
      verify: await mailed(verifies.email, 'verify-email'),
      reset: await mailed(resets.email, 'reset-password'),
      change: await mailed(newEmail, 'confirm-new-email'),
      erase: await mailed(asksByMail.email, 'confirm-erasure'),
    },
    closedId: (await closed()).id,
  }
}
