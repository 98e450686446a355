import { createServer } from 'node:http'
import { readSettings } from '../settings.ts'

/** Bare Node that answers from memory, and does nothing else. */
const { port, body } = readSettings()
const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) }
createServer((_request, response) => {
  response.writeHead(200, headers).end(body)
}).listen(port, '127.0.0.1')
