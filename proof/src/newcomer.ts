import { until } from '@micromart/testkit/until'
import type { Answer, Call } from './shopper.ts'

export interface NewPerson {
  readonly email: string
  readonly password: string
  readonly name: string
}

/** The bodies of a sign-in, as far as programs look into them. */
export interface Newcomer {
  readonly user: { readonly id: string; readonly email: string }
  readonly accessToken: string
  readonly refreshToken: string
}

/** Longer than a few leases: whoever writes the mail may be killed meanwhile. */
const PATIENCE_MS = 240_000

/**
 * Opens an account and signs in, as a person does: registers, follows the link in the mail and gives the password again. It reads the mail in the
 * development mailbox; a shop that signs in at once (`USER_SIGN_IN_NEEDS_VERIFIED_EMAIL=false`) needs none. A call that refuses may throw.
 */
export async function openAccount(ask: (call: Call) => Promise<Answer>, person: NewPerson): Promise<Newcomer> {
  const registered = await ask({ method: 'POST', path: '/api/v1/auth/register', body: person })
  if (registered.status === 201) return registered.body
  expect(202, registered)
  const token = await mailedToken(ask, { to: person.email, template: 'verify-email' })
  expect(204, await ask({ method: 'POST', path: '/api/v1/auth/email-verifications/confirm', body: { token } }))
  const { email, password } = person
  return expect(200, await ask({ method: 'POST', path: '/api/v1/auth/login', body: { email, password } })).body
}

/** What the newest mail with a link of this kind carries; waits for it. */
export const mailedToken = (
  ask: (call: Call) => Promise<Answer>,
  { to, template }: { to: string; template: string },
): Promise<string> =>
  until(
    async () => {
      const mails = await ask({ method: 'GET', path: `/api/v1/mailbox?to=${encodeURIComponent(to)}` })
      if (mails.status === 404) throw new Error('This shop has no mailbox to read: addresses cannot be proven here')
      const items = (mails.body?.items ?? []) as readonly { template: string; text: string }[]
      const text = items.find((mail) => mail.template === template)?.text ?? ''
      return /#token=([\w-]+)/.exec(text)?.[1]
    },
    { withinMs: PATIENCE_MS, what: `the mail ${template} to ${to}` },
  )

function expect(status: number, answer: Answer): Answer {
  if (answer.status === status) return answer
  throw new Error(`expected ${status}, got ${answer.status}: ${answer.text}`)
}
