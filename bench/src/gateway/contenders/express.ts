import { Agent } from 'node:http'
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import { createProxyMiddleware } from 'http-proxy-middleware'
import jwt from 'jsonwebtoken'
import { NO_LIMIT, readSettings } from '../settings.ts'

/** The gateway of the books: Express, express-rate-limit, jsonwebtoken and http-proxy-middleware, with kept connections to the service. */
const { port, upstreamPort, secret } = readSettings()
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
    agent: new Agent({ keepAlive: true, maxSockets: 64 }),
  }),
)
app.listen(port, '127.0.0.1')
