import { hash } from 'node:crypto'
import { allPermissions, allRoles, type Permission, permissionsOf, type Role } from '@micromart/contracts/permissions'
import type { Clock } from '@micromart/kernel/clock'
import { createInstances } from '@micromart/kernel/instances'
import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTPayload, jwtVerify } from 'jose'
import { kitProblem, type ProblemError } from './problem.ts'

/** Who asks. Ownership is checked by the service that owns the thing asked for. */
export type Caller = { readonly kind: 'anonymous' } | Person | Machine

interface Person {
  readonly kind: 'user'
  readonly userId: string
  readonly roles: readonly Role[]
  readonly permissions: readonly Permission[]
  /** The session that the access token belongs to: its claim `sid`. */
  readonly sessionId: string | undefined
}

/** Somebody's API key. It owns nothing and is nobody's account, so what is open to whoever signed in is closed to it. */
interface Machine {
  readonly kind: 'machine'
  readonly keyId: string
  readonly permissions: readonly Permission[]
}

export const anonymous: Caller = { kind: 'anonymous' }

/** Who may call a route: anyone, any person who signed in, or whoever has this permission. Every route declares it. */
export type Access = 'public' | 'signed-in' | Permission

/** At once for a token that was verified before. @throws ProblemError 401 for a token that is not good, 503 when the keys cannot be fetched */
export type VerifyToken = (token: string) => Caller | Promise<Caller>

export const TOKEN_ISSUER = 'micromart'
export const TOKEN_AUDIENCE = 'micromart-api'

const MOST_CACHED = 10_000

/**
 * Verifies access tokens (RFC 9068: `typ` at+jwt; EdDSA only) against the JWKS at any of the URLs. A verified token is remembered by its
 * digest until it expires, since a signature costs a tenth of a millisecond and a look-up nothing.
 */
export function jwksVerifier(options: { jwksUrls: readonly string[]; clock: Clock }): VerifyToken {
  const keys = createRemoteJWKSet(new URL(options.jwksUrls[0] ?? ''), {
    cooldownDuration: 5_000,
    timeoutDuration: 3_000,
    [customFetch]: fetchFromAny(options.jwksUrls),
  })
  const verified = new Map<string, { caller: Caller; expiresAt: number }>()

  const remember = (digest: string, caller: Caller, expiresAt: number) => {
    if (verified.size >= MOST_CACHED) verified.delete(verified.keys().next().value ?? '')
    verified.set(digest, { caller, expiresAt })
  }

  const verify = async (token: string, digest: string, now: Date) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ['EdDSA'],
        issuer: TOKEN_ISSUER,
        audience: TOKEN_AUDIENCE,
        typ: 'at+jwt',
        currentDate: now,
        requiredClaims: ['sub', 'exp', 'iat'],
      })
      const caller = callerOf(payload)
      remember(digest, caller, (payload.exp ?? 0) * 1_000)
      return caller
    } catch (error) {
      throw isBadToken(error)
        ? kitProblem('auth.invalid-token', 'The access token is not valid or has expired; sign in again', error)
        : kitProblem('auth.unavailable', 'Access tokens cannot be checked right now; try again in a moment', error)
    }
  }

  return (token) => {
    const digest = hash('sha256', token, 'base64url')
    const known = verified.get(digest)
    const now = options.clock.now()
    if (known && known.expiresAt > now.getTime()) return known.caller
    verified.delete(digest)
    return verify(token, digest, now)
  }
}

/** The first of several places that answers well. */
function fetchFromAny(urls: readonly string[]): FetchImplementation {
  const instances = createInstances(urls)
  return async (_url, options) => {
    let failure: unknown
    for (const url of instances.inOrder())
      try {
        const response = await fetch(url, options)
        if (response.ok) return response
        throw new Error(`The keys could not be fetched: ${response.status}`)
      } catch (error) {
        instances.passOver(url)
        failure = error
      }
    throw failure
  }
}

/** Any JSON may stand in a claim, and an empty id would be an owner like any other. @throws JWTClaimValidationFailed */
function subjectOf(claim: unknown): string {
  if (typeof claim === 'string' && claim !== '') return claim
  throw new errors.JWTClaimValidationFailed('The token is about nobody', {}, 'sub', 'invalid')
}

/** RFC 9068: a machine's token names its client and lists its scope; a person's names the roles. */
function callerOf({ sub: subject, client_id: client, scope, roles: claim, sid }: JWTPayload): Caller {
  const sub = subjectOf(subject)
  if (client !== undefined) {
    const scopes = typeof scope === 'string' ? scope.split(' ') : []
    const permissions = allPermissions.filter((permission) => scopes.includes(permission))
    return { kind: 'machine', keyId: sub, permissions }
  }
  const roles = Array.isArray(claim) ? allRoles.filter((role) => claim.includes(role)) : []
  const sessionId = typeof sid === 'string' ? sid : undefined
  return { kind: 'user', userId: sub, roles, permissions: permissionsOf(roles), sessionId }
}

const isBadToken = (error: unknown): boolean =>
  error instanceof errors.JOSEError &&
  !(error instanceof errors.JWKSTimeout) &&
  !(error instanceof errors.JWKSInvalid) &&
  error.code !== 'ERR_JOSE_GENERIC'

/** A token that was refused and has not just come to its end: nobody here has made it, or not for this. */
export const isForgedToken = ({ refusal, cause }: ProblemError): boolean =>
  refusal.code === 'auth.invalid-token' && cause instanceof errors.JOSEError && !(cause instanceof errors.JWTExpired)

/** The bearer token of an Authorization header (RFC 6750); undefined without one. @throws ProblemError 401 for any other scheme */
export function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1]
  if (!token) throw kitProblem('auth.invalid-token', 'The Authorization header must be "Bearer <access token>"')
  return token
}

/** @throws ProblemError 401 or 403 when the caller may not use a route of this access */
export function requireAccess(access: Access, caller: Caller): void {
  if (access === 'public') return
  if (caller.kind === 'anonymous') throw kitProblem('auth.required', 'Sign in first: this needs an access token')
  if (access === 'signed-in') {
    if (caller.kind === 'user') return
    throw kitProblem('auth.forbidden', 'This belongs to a person; an API key cannot use it')
  }
  if (!may(caller, access)) throw kitProblem('auth.forbidden', `This needs the permission ${access}`)
}

export const may = (caller: Caller, permission: Permission): boolean =>
  caller.kind !== 'anonymous' && caller.permissions.includes(permission)

/** Who did it, for the audit log. @throws ProblemError 401 for somebody who is not signed in */
export function actorOf(caller: Caller): string {
  if (caller.kind === 'anonymous') throw kitProblem('auth.required', 'Sign in first')
  return caller.kind === 'user' ? caller.userId : `api-key:${caller.keyId}`
}
