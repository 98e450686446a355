import { Agent } from 'node:http'
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import { createProxyMiddleware } from 'http-proxy-middleware'
import jwt from 'jsonwebtoken'
import { NO_LIMIT, readSettings } from '../settings.ts'

/**
 * The gateway of the books: Express, express-rate-limit, jsonwebtoken and http-proxy-middleware. As they write it each request opens a
 * connection of its own to the service; `express-kept` has what they leave out, an agent that keeps connections.
 */
const { port, upstreamPort, secret } = readSettings()
const isKept = process.argv[3] === 'express-kept'
const app = express()
app.use(rateLimit({ windowMs: 60_000, limit: NO_LIMIT, standardHeaders: 'draft-7', legacyHeaders: false }))
app.use((request, response, next) => {
  const token = request.headers.authorization?.split(' ')[1] ?? ''
  try {
    jwt.verify(token, secret, { algorithms: ['HS256'], issuer: 'micromart', audience: 'micromart-api' })
    next()
  } catch {
    response.status(401).json({ error: 'invalid token' })
  }
})
app.use(
  createProxyMiddleware({
    target: `http://127.0.0.1:${upstreamPort}`,
    ...(isKept ? { agent: new Agent({ keepAlive: true, maxSockets: 64 }) } : {}),
  }),
)
app.listen(port, '127.0.0.1')
