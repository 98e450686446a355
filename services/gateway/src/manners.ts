import { ProblemError } from '@micromart/http-kit/problem'
import type { AccessLog } from './access-log.ts'
import { packedAnswer } from './compression/packed-answer.ts'
import { type Cors, isPreflight } from './cors.ts'
import type { Exchange } from './exchange.ts'
import type { Manners } from './gateway.ts'
import type { FindRoute } from './router.ts'
import { isPersonal, type securityHeaders } from './security-headers.ts'

export interface MannersParts {
  readonly cors: Cors
  readonly security: ReturnType<typeof securityHeaders>
  readonly accessLog: AccessLog
  readonly findRoute: FindRoute
}

/** Who may read an answer and how a browser treats it, packing, and a line in the log. */
export function createManners({ cors, security, accessLog, findRoute }: MannersParts): Manners {
  const answerPreflight = (exchange: Exchange, origin: string): boolean => {
    const match = findRoute('OPTIONS', exchange.path)
    const fields = match && 'allowed' in match ? cors.preflightFor(origin, match.allowed) : undefined
    if (!fields) return false
    exchange.response.writeHead(204, [...exchange.said, ...fields])
    exchange.response.end()
    return true
  }

  return {
    greet: (exchange) => {
      const { headers, isSecure, said, request } = exchange
      exchange.usual = security({ isSecure, isPersonal: isPersonal(headers) })
      const { origin } = headers
      if (cors.isOpen && origin !== undefined && isPreflight(request)) {
        if (answerPreflight(exchange, origin)) return true
        if (!cors.knows(origin)) throw unknownOrigin()
      }
      for (const field of cors.fieldsFor(origin)) said.push(field)
      return false
    },
    dress: (exchange) =>
      packedAnswer(exchange, {
        method: exchange.method,
        acceptEncoding: exchange.headers['accept-encoding'],
        isPersonal: isPersonal(exchange.headers),
      }),
    part: ({ method, found, response, startedAtMs, context }) => {
      const status = response.headersSent ? response.statusCode : 0
      accessLog({ method, route: found?.path, status, durationMs: performance.now() - startedAtMs, context })
    },
  }
}

const unknownOrigin = () =>
  new ProblemError(403, {
    code: 'cors.origin-unknown',
    detail: 'Pages of this origin may not call the shop; its operator lists those that may in CORS_ORIGINS',
  })
