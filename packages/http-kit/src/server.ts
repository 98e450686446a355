import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Ids } from '@micromart/kernel/ids'
import { runInContext, type WorkContext } from '@micromart/telemetry/context'
import { type CrashPoint, crashPoint, workingOn } from '@micromart/telemetry/crash-points'
import { DeadlineOver } from '@micromart/telemetry/deadline'
import { timeLeft } from '@micromart/telemetry/in-time'
import type { Logger } from '@micromart/telemetry/logger'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import Type from 'typebox'
import { type Access, anonymous, bearerToken, type Caller, requireAccess, type VerifyToken } from './identity.ts'
import { kitProblem, kitStatuses, PROBLEM_CONTENT_TYPE, Problem, ProblemError, problem } from './problem.ts'
import { requestContext } from './request-context.ts'

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
    context: WorkContext
  }
  interface FastifyContextConfig {
    /** Who may call this route; a route without it does not start. */
    access?: Access
  }
}

export interface HttpOptions {
  /** The service's name, for the API page. */
  readonly service: string
  readonly log: Logger
  readonly ids: Ids
  readonly verifyToken: VerifyToken
  /** Each resolves when the thing it stands for can be used; `/ready` answers 503 while one fails. */
  readonly readiness?: Readonly<Record<string, () => Promise<void>>>
  /** True once the service was told to end: not ready any more, and whoever asks is told to go elsewhere. */
  readonly leaving?: () => boolean
  /** Longest request body in bytes; default 256 KiB. */
  readonly bodyLimit?: number
}

export type HttpServer = FastifyInstance<
  import('node:http').Server,
  import('node:http').IncomingMessage,
  import('node:http').ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** More than the gateway takes, for it adds its own. */
const MOST_HEADER_BYTES = 32 * 1024

/** For operations that need no body: none, null or an empty object, so that nobody believes to have said something. */
export const NoBody = Type.Optional(Type.Union([Type.Object({}, { additionalProperties: false }), Type.Null()]))

/**
 * The server that every service builds its routes on: strict validation (unknown fields refused, nothing coerced), problem+json for
 * every error, request context for logs and messages, declared access per route, `/health`, `/ready` and `/openapi.json`.
 */
export async function buildHttp(options: HttpOptions): Promise<HttpServer> {
  const http: HttpServer = Fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimit ?? 256 * 1024,
    requestTimeout: 15_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    http: { maxHeaderSize: MOST_HEADER_BYTES },
    routerOptions: { maxParamLength: 200 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: true } },
    frameworkErrors: (_error, request, reply) => refuseAddress(request, reply, options.ids),
  }).withTypeProvider<TypeBoxTypeProvider>()

  http.removeContentTypeParser('text/plain')
  http.addSchema(Problem)
  addContext(http, options.ids)
  addAccess(http, options.verifyToken)
  addErrors(http, options.log)
  await http.register(swagger, {
    openapi: { openapi: '3.1.0', info: { title: `MicroMart ${options.service}`, version: '1' } },
    hideUntagged: false,
    // whoever reads the API sees what each operation needs, and the gateway's table can be held against it
    transform: ({ schema, url, route }) => ({
      schema: Object.assign({ ...schema }, { 'x-access': route.config?.access }),
      url,
    }),
  })
  addHealth(http, options)
  return http
}

function addContext(http: HttpServer, ids: Ids) {
  http.decorateRequest<WorkContext>('context', null as never)
  http.addHook('onRequest', (request, reply, done) => {
    request.context = requestContext(request.headers, ids)
    reply.header('x-request-id', request.context.correlationId)
    runInContext(request.context, done)
  })
  // reading the body leaves the asynchronous chain of the hook above
  http.addHook('preValidation', (request, _reply, done) =>
    workingOn(
      () => kindsOf(request),
      () => runInContext(request.context, done),
    ),
  )
  http.addHook('preHandler', async (request) => {
    await at('handle.before', request)
    timeLeft(Number.POSITIVE_INFINITY) // whoever waited may have gone while body and token were read
  })
  http.addHook('onSend', async (request, reply, payload) => {
    await at('reply.before', request)?.catch((error: unknown) => {
      reply.code(500) // whatever it was going to say, nobody can rely on it now
      throw error
    })
    return payload
  })
  http.addHook('onResponse', async (request) => {
    contextOf(request)?.deadline?.lift() // what goes on after the answer has its own time
    await at('reply.after', request)
  })
}

/** An address that cannot be read never got one. */
const contextOf = ({ context }: FastifyRequest): WorkContext | undefined => context

const kindsOf = ({ method, routeOptions }: FastifyRequest) => [`request:${method} ${routeOptions.url}`]

const READS = ['GET', 'HEAD', 'OPTIONS']

/** What only reads has nothing to lose. */
const at = (point: CrashPoint, request: FastifyRequest) =>
  READS.includes(request.method) ? undefined : crashPoint(point, () => kindsOf(request))

/** An address that cannot be decoded, or is too long, is refused by the router before any hook. */
function refuseAddress(request: FastifyRequest, reply: FastifyReply, ids: Ids) {
  const context = requestContext(request.headers, ids)
  const refusal = { code: 'request.malformed', detail: 'The address has parts that no address here has' }
  reply.header('x-request-id', context.correlationId)
  sendProblem(
    reply,
    runInContext(context, () => problem(kitStatuses['request.malformed'], refusal)),
  )
}

function addAccess(http: HttpServer, verifyToken: VerifyToken) {
  http.decorateRequest<Caller>('caller', null as never)
  http.addHook('onRoute', (route) => {
    if (route.config?.access === undefined)
      throw new Error(`${String(route.method)} ${route.url} does not say who may call it`)
  })
  http.addHook('onRequest', async (request) => {
    const token = bearerToken(request.headers.authorization)
    request.caller = token === undefined ? anonymous : await verifyToken(token)
    if (request.routeOptions.config.access) requireAccess(request.routeOptions.config.access, request.caller)
  })
}

function addErrors(http: HttpServer, log: Logger) {
  http.setNotFoundHandler(() => {
    throw kitProblem('route.unknown', 'There is nothing at this address')
  })
  http.setErrorHandler((error: FastifyError, request, reply) => {
    const body = problemOf(error, request, log)
    if (body.status === 503 || body.status === 504) reply.header('retry-after', '1')
    if (body.status === 401) reply.header('www-authenticate', 'Bearer')
    return sendProblem(reply, body)
  })
}

const sendProblem = (reply: FastifyReply, body: Problem) =>
  reply.code(body.status).type(PROBLEM_CONTENT_TYPE).send(JSON.stringify(body))

const TOO_LATE = {
  code: 'request.deadline-over',
  detail: 'The time for an answer was over before this was begun; nothing was done',
} as const

/** Nobody reads more, and a body can have more faults than bytes. */
const MOST_ERRORS = 20

function problemOf(error: FastifyError, request: FastifyRequest, log: Logger): Problem {
  if (error instanceof ProblemError) return problem(error.status, error.refusal)
  if (error instanceof DeadlineOver) return problem(kitStatuses[TOO_LATE.code], TOO_LATE)
  if (error.validation) {
    const errors = error.validation.slice(0, MOST_ERRORS).map((fault) => ({
      pointer: `/${error.validationContext ?? 'body'}${fault.instancePath}`,
      detail: faultText(fault),
    }))
    return problem(400, { code: 'request.invalid', detail: 'The request does not fit the schema; see errors' }, errors)
  }
  const known = requestFaults[error.code]
  if (known) return problem(kitStatuses[known], { code: known, detail: faultDetails[known] })
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return problem(400, { code: 'request.malformed', detail: 'The request could not be read' })
  log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed')
  return isUnavailable(error)
    ? problem(503, {
        code: 'service.unavailable',
        detail: 'The service cannot answer right now; try again in a moment',
      })
    : problem(500, { code: 'service.failed', detail: 'Something went wrong here; the trace id helps to find out what' })
}

/** Unknown fields are named in `params` only. */
const faultText = (fault: { message?: string; params: Record<string, unknown> }): string => {
  const unknown = fault.params['additionalProperty']
  return typeof unknown === 'string' ? `unknown field "${unknown.slice(0, 100)}"` : (fault.message ?? 'is not valid')
}

const requestFaults: Readonly<
  Record<string, 'request.malformed' | 'request.too-large' | 'request.unsupported-media-type'>
> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'request.malformed',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'request.malformed',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request.malformed',
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.unsupported-media-type',
}

const faultDetails = {
  'request.malformed': 'The body is not well-formed JSON',
  'request.too-large': 'The body is larger than this accepts',
  'request.unsupported-media-type': 'Send the body as application/json',
}

/** A store that cannot be reached; adapters throw whatever their driver does, so this looks at the usual marks. */
const isUnavailable = (error: FastifyError): boolean =>
  /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|57P0|08|53|58030)/.test(error.code ?? '') ||
  /Connection terminated|timeout exceeded|^timeout expired$|Query read timeout|connection error/.test(error.message)

function addHealth(http: HttpServer, { readiness = {}, leaving = () => false }: HttpOptions) {
  http.addHook('onSend', async (_request, reply) => {
    if (leaving()) reply.header('connection', 'close')
  })
  const status = { config: { access: 'public' as const }, schema: { hide: true }, logLevel: 'silent' as const }
  http.get('/health', status, async () => ({ status: 'up' }))
  http.get('/ready', status, async (_request, reply) => {
    const checks = await Promise.all(
      Object.entries(readiness).map(
        async ([name, check]) =>
          [
            name,
            await check().then(
              () => 'up',
              () => 'down',
            ),
          ] as const,
      ),
    )
    const ready = checks.every(([, state]) => state === 'up') && !leaving()
    const status = ready ? 'up' : leaving() ? 'leaving' : 'down'
    return reply.code(ready ? 200 : 503).send({ status, checks: Object.fromEntries(checks) })
  })
  http.get('/openapi.json', status, async () => http.swagger())
}
