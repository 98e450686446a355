import type { Refusal } from '@micromart/kernel/result'
import { currentContext, traceIdOf } from '@micromart/telemetry/context'
import Type, { type Static } from 'typebox'

/** RFC 9457 problem details; `code` is stable and meant for programs, `detail` for people. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String(),
    traceId: Type.Optional(Type.String()),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }))),
  },
  { $id: 'Problem' },
)
export type Problem = Static<typeof Problem>

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

/** Which HTTP status each refusal of a route file becomes; `satisfies StatusTable<Code>` makes it complete. */
export type StatusTable<Code extends string = string> = Readonly<Record<Code, number>>

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  417: 'Expectation Failed',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

export function problem(status: number, refusal: Refusal, errors?: Problem['errors']): Problem {
  const traceId = traceIdOf(currentContext()?.traceparent)
  return {
    type: `/problems/${refusal.code}`,
    title: titles[status] ?? 'Error',
    status,
    detail: refusal.detail,
    code: refusal.code,
    ...(traceId ? { traceId } : {}),
    ...(errors ? { errors } : {}),
  }
}

/** What the kit itself may answer, whatever the route. */
export const kitStatuses = {
  'request.invalid': 400,
  'request.malformed': 400,
  'request.bad-cursor': 400,
  'request.too-large': 413,
  'request.unsupported-media-type': 415,
  'request.deadline-over': 504,
  'route.unknown': 404,
  'auth.required': 401,
  'auth.invalid-token': 401,
  'auth.forbidden': 403,
  'auth.unavailable': 503,
  'idempotency.key-required': 400,
  'idempotency.key-invalid': 400,
  'idempotency.in-flight': 409,
  'idempotency.key-reused': 422,
  'service.unavailable': 503,
  'service.failed': 500,
} satisfies StatusTable

/** Thrown where a hook or handler wants to leave with a problem. */
export class ProblemError extends Error {
  readonly status: number
  readonly refusal: Refusal
  constructor(status: number, refusal: Refusal, cause?: unknown) {
    super(refusal.detail, { cause })
    this.name = 'ProblemError'
    this.status = status
    this.refusal = refusal
  }
}

/** A kit refusal as an error to throw; nobody outside is told its cause. */
export const kitProblem = (code: keyof typeof kitStatuses, detail: string, cause?: unknown): ProblemError =>
  new ProblemError(kitStatuses[code], { code, detail }, cause)
