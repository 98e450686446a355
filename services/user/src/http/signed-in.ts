import type { FastifyReply } from 'fastify'
import type { User } from '../domain/account.ts'
import type { SignedIn } from '../sessions.ts'
import type { Admission } from '../sign-in.ts'

/** What holds tokens is never kept on the way. */
export function signedInBody(reply: FastifyReply, { user, ...tokens }: SignedIn & { user: User }) {
  reply.header('cache-control', 'no-store')
  return { user: { ...user, roles: [...user.roles] }, ...tokens }
}

/** The tokens with `status`, or 202 and the challenge of somebody who still owes the second factor. */
export function admissionBody(reply: FastifyReply, { kind, ...admitted }: Admission, status: 200 | 201) {
  reply.code(kind === 'challenged' ? 202 : status)
  if ('challenge' in admitted) {
    reply.header('cache-control', 'no-store')
    return admitted
  }
  return signedInBody(reply, admitted)
}
