import httpProxy from '@fastify/http-proxy'
import jwt from '@fastify/jwt'
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import { NO_LIMIT, readSettings } from '../settings.ts'

/** The Fastify team's proxy with limits and tokens checked; verified tokens are cached, and only warnings are logged. */
const { port, upstreamPort, secret } = readSettings()
const http = Fastify({ logger: { level: 'warn' } })
await http.register(jwt, { secret, verify: { cache: true, allowedIss: 'micromart', allowedAud: 'micromart-api' } })
await http.register(rateLimit, { max: NO_LIMIT, timeWindow: 60_000 })
await http.register(httpProxy, {
  upstream: `http://127.0.0.1:${upstreamPort}`,
  undici: { connections: 64, pipelining: 1 },
  preHandler: (request, _reply, done) => {
    request.jwtVerify().then(() => done(), done)
  },
})
await http.listen({ port, host: '127.0.0.1' })
