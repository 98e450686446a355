import { forwardedAddress } from '@micromart/http-kit/client-address'
import { kitProblem } from '@micromart/http-kit/problem'
import { isUuid } from '@micromart/kernel/ids'
import { err, ok, type Result } from '@micromart/kernel/result'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { MailThrottle, OpenAccount } from '../account-ports.ts'
import type { TooManyMails } from '../mail-links.ts'
import type { Passwords, SignInAttempt } from '../ports.ts'
import type { Reauthenticate, ReauthenticationRefusal } from '../reauthenticate.ts'

const gone = () => kitProblem('auth.invalid-token', 'The account of this access token is gone; sign in again')

/** Whose account it is. @throws ProblemError 401 */
export function ownId({ caller }: FastifyRequest): string {
  if (caller.kind !== 'user' || !isUuid(caller.userId)) throw gone()
  return caller.userId
}

/** @throws ProblemError 401 for an account that was closed since the token was given out */
export function stillOpen<T>(account: T | undefined): T {
  if (account === undefined) throw gone()
  return account
}

export type ProofRefusal = Exclude<ReauthenticationRefusal, { code: 'user.unknown' }>
type Proof = Result<OpenAccount, ProofRefusal>

/** The caller's account, if the password in the body is the right one. */
export type Prove = (request: FastifyRequest & { body: { password: string } }, reply: FastifyReply) => Promise<Proof>

export const prover =
  (reauthenticate: Reauthenticate): Prove =>
  async (request, reply) => {
    const { password } = request.body
    const proof = await reauthenticate({
      userId: ownId(request),
      password,
      clientAddress: forwardedAddress(request.headers),
    })
    if (proof.ok) return proof
    const { error } = proof
    if (error.code === 'user.unknown') throw gone()
    return noteWait(reply, { ok: false as const, error })
  }

/** Says how long to wait where a refusal says it. */
export function noteWait<R extends Result<unknown, { code: string; waitMs?: number }>>(
  reply: FastifyReply,
  result: R,
): R {
  if (!result.ok && result.error.waitMs !== undefined)
    reply.header('retry-after', String(Math.ceil(result.error.waitMs / 1_000)))
  return result
}

/** Whether one more mail may be asked for, to this address and from this client. */
export async function admitted(
  reply: FastifyReply,
  throttle: MailThrottle,
  attempt: SignInAttempt,
): Promise<Result<void, TooManyMails>> {
  const waitMs = await throttle.admit(attempt)
  if (waitMs === 0) return ok(undefined)
  const detail = 'Enough mails were asked for; try again later'
  return noteWait(reply, err({ code: 'user.too-many-mails' as const, detail, waitMs }))
}

/**
 * The kit keeps a quick digest of the body with an Idempotency-Key, and a quick digest of a password would be easy to guess from: slow
 * fingerprints take their place. To be called when the passwords themselves are not needed any more.
 */
export async function hidePasswords(
  request: { headers: FastifyRequest['headers']; body: { password?: string; newPassword?: string } },
  passwords: Passwords,
): Promise<void> {
  const { body, headers } = request
  const key = headers['idempotency-key']
  if (typeof key !== 'string') return
  if (body.password !== undefined) body.password = await passwords.fingerprint(body.password, key)
  if (body.newPassword !== undefined) body.newPassword = await passwords.fingerprint(body.newPassword, key)
}
