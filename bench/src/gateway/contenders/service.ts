import { createServer } from 'node:http'
import { readSettings } from '../settings.ts'

/** The service behind every gateway: always the same answer, and the keys of our tokens. */
const { port, body, jwks } = readSettings()
const answer = Buffer.from(body)
createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const isKeys = request.url === '/.well-known/jwks.json'
  const bytes = isKeys ? Buffer.from(jwks) : answer
  response
    .writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': bytes.length,
      'cache-control': isKeys ? 'no-cache' : 'public, max-age=60',
      etag: '"3f2a"',
    })
    .end(bytes)
}).listen(port, '127.0.0.1')
