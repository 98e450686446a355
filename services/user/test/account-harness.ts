import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { queryClients } from '@micromart/service-kit/queries'
import { type HttpCall, startServiceForTest } from '@micromart/testkit/service-harness'
import { user } from '../src/main.ts'

export interface Person {
  readonly id: string
  readonly email: string
  readonly password: string
  readonly token: string
  readonly refreshToken: string
}

/** As a shop may choose to: whoever registers is signed in, and most tests here begin with somebody who is. */
export const signsInAtOnce = { USER_SIGN_IN_NEEDS_VERIFIED_EMAIL: 'false' } as const

/** The user service with people in it, and with whoever reads their mail. */
export async function startAccounts(env: Readonly<Record<string, string>> = {}) {
  const h = await startServiceForTest(user, {
    env: { USER_DEMO_ACCOUNTS: 'true', ...signsInAtOnce, ...env },
    ownKeys: true,
  })
  const post = (url: string, body: unknown, { token, headers = {} }: Pick<HttpCall, 'token' | 'headers'> = {}) =>
    h.call({ method: 'POST', url, body, headers, ...(token === undefined ? {} : { token }) })
  const users = queryClients(h.internalToken)(UserQueries, [h.grpcUrl])
  const login = (email: string, password: string) => post('/api/v1/auth/login', { email, password })

  const register = async (email = `${randomUUID()}@example.com`): Promise<Person> => {
    const password = 'a good password'
    const { status, body } = await post('/api/v1/auth/register', { email, password, name: 'Ada' })
    assert.equal(status, 201)
    return { id: body.user.id, email, password, token: body.accessToken, refreshToken: body.refreshToken }
  }

  /** The messages about one person, oldest first. */
  const messagesOf = async (userId: string, name: string) =>
    (await h.outbox())
      .filter(({ type, data }) => type === `micromart.user.${name}.v1` && data['userId'] === userId)
      .map(({ data }) => data as { userId: string; linkId: string })

  const mail = (letter: string, { userId, linkId = '' }: { userId: string; linkId?: string }) =>
    users.getAccountMail({ userId, letter, linkId })

  /** What the newest mail of this kind carries. */
  const linkIn = async (userId: string, message: string, letter: string) => {
    const newest = (await messagesOf(userId, message)).at(-1)
    assert.ok(newest, `no ${message}`)
    const found = await mail(letter, newest)
    assert.ok(found.found, `no ${letter}`)
    const [, token] = found.link.split('#token=')
    assert.ok(token, `no token in ${found.link}`)
    return { ...found, token }
  }

  /** What has been done, leaving out how people came and went. */
  const auditOf = (subject: string) =>
    h.database
      .query<{ action: string }>(
        `SELECT action FROM audit_log WHERE subject = $1 AND action NOT LIKE 'user.sign%' ORDER BY sequence`,
        [subject],
      )
      .then((rows) => rows.map(({ action }) => action))

  /** The trace id is part of a problem; with the same one equal answers are equal to the byte. */
  const sameTrace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }

  const refresh = (refreshToken: string) =>
    h.call({ method: 'POST', url: '/api/v1/auth/refresh', body: { refreshToken } })

  return { ...h, post, refresh, login, register, users, messagesOf, mail, linkIn, auditOf, sameTrace }
}

export type Accounts = Awaited<ReturnType<typeof startAccounts>>
