import { forwardedAddress } from '@micromart/http-kit/client-address'
import { refusalProblem } from '@micromart/http-kit/idempotent-handler'
import { kitProblem, type StatusTable } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import type { Result } from '@micromart/kernel/result'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { User } from '../domain/account.ts'
import type { Reauthenticate, ReauthenticationRefusal } from '../reauthenticate.ts'
import type { CodeRefusal, EnrolRefusal, SecondFactors } from '../second-factors.ts'
import {
  ConfirmBody,
  EnrolBody,
  ProvenBody,
  RecoveryCodesBody,
  SecretBody,
  StatusBody,
} from './second-factor-schemas.ts'

const statuses = {
  'user.unknown': 401,
  'user.wrong-password': 403,
  'user.too-many-attempts': 429,
  'user.second-factor-wrong': 403,
  'user.second-factor-waits': 429,
  'user.second-factor-off': 409,
  'user.second-factor-on': 409,
  'user.second-factor-not-begun': 409,
  'user.second-factor-unavailable': 503,
} satisfies StatusTable<(ReauthenticationRefusal | CodeRefusal | EnrolRefusal)['code']>

type AnyRefusal = (ReauthenticationRefusal | CodeRefusal | EnrolRefusal) & { readonly waitMs?: number }

const PATH = '/api/v1/users/me/second-factor'

/** The owner's side of second factors. Answers hold secrets, so they are never kept for repeats. */
export function secondFactorRoutes(
  http: HttpServer,
  { secondFactors, reauthenticate }: { secondFactors: SecondFactors; reauthenticate: Reauthenticate },
): void {
  const valueIn = <T>(reply: FastifyReply, result: Result<T, AnyRefusal>): T => {
    reply.header('cache-control', 'no-store')
    if (result.ok) return result.value
    const { waitMs } = result.error
    if (waitMs !== undefined) reply.header('retry-after', String(Math.ceil(waitMs / 1_000)))
    throw refusalProblem(result.error, statuses)
  }
  const proven = async (request: FastifyRequest, reply: FastifyReply, password: string): Promise<User> =>
    valueIn(
      reply,
      await reauthenticate({ userId: ownerOf(request), password, clientAddress: forwardedAddress(request.headers) }),
    )
  const signedIn = { access: 'signed-in' } as const
  const tags = ['second-factor']

  http.get(PATH, {
    config: signedIn,
    schema: { tags, summary: 'Whether I have a second factor', response: { 200: StatusBody } },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return secondFactors.statusOf(ownerOf(request))
    },
  })

  http.post(`${PATH}/totp`, {
    config: signedIn,
    schema: {
      tags,
      summary: 'Get a secret for an authenticator app; it counts once a code of it was confirmed',
      body: EnrolBody,
      response: { 201: SecretBody },
    },
    handler: async (request, reply) => {
      const owner = await proven(request, reply, request.body.password)
      const secret = valueIn(reply, await secondFactors.enrol(owner))
      return reply.code(201).send(secret)
    },
  })

  http.post(`${PATH}/totp/confirm`, {
    config: signedIn,
    schema: {
      tags,
      summary: 'Switch the second factor on with its first code',
      body: ConfirmBody,
      response: { 200: RecoveryCodesBody },
    },
    handler: async (request, reply) => {
      const codes = valueIn(reply, await secondFactors.confirm(ownerOf(request), request.body.code))
      return { recoveryCodes: [...codes] }
    },
  })

  http.post(`${PATH}/recovery-codes`, {
    config: signedIn,
    schema: {
      tags,
      summary: 'Get new recovery codes; the old ones end',
      body: ProvenBody,
      response: { 200: RecoveryCodesBody },
    },
    handler: async (request, reply) => {
      const { password, code } = request.body
      const { id } = await proven(request, reply, password)
      const codes = valueIn(reply, await secondFactors.renewRecoveryCodes(id, code))
      return { recoveryCodes: [...codes] }
    },
  })

  http.post(`${PATH}/remove`, {
    config: signedIn,
    schema: { tags, summary: 'Switch the second factor off', body: ProvenBody },
    handler: async (request, reply) => {
      const { password, code } = request.body
      const { id } = await proven(request, reply, password)
      valueIn(reply, await secondFactors.remove(id, code))
      return reply.code(204).send()
    },
  })
}

export function ownerOf({ caller }: FastifyRequest): string {
  if (caller.kind !== 'user') throw kitProblem('auth.required', 'Sign in first')
  return caller.userId
}
