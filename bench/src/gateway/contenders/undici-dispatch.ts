import { createServer, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { readSettings } from '../settings.ts'

/** As little as a proxy on undici's dispatch can do: no checks, nothing counted, nothing logged, no second try. */
const { port, upstreamPort } = readSettings()
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, { connections: 64, pipelining: 1 })

const passTo = (response: ServerResponse): Dispatcher.DispatchHandler => ({
  onRequestStart(controller) {
    response.on('close', () => response.writableFinished || controller.abort(new Error('the client is gone')))
  },
  onResponseStart(_controller, status, { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...headers }) {
    response.writeHead(status, headers)
  },
  onResponseData(controller, chunk) {
    if (response.write(chunk)) return
    controller.pause()
    response.once('drain', () => controller.resume())
  },
  onResponseEnd() {
    response.end()
  },
  onResponseError() {
    if (response.headersSent) response.destroy()
    else response.writeHead(502).end()
  },
})

createServer((request, response) => {
  const { connection: _, 'transfer-encoding': __, ...headers } = request.headers
  const { method = 'GET', url = '/' } = request
  const body = method === 'GET' || method === 'HEAD' ? null : request
  pool.dispatch({ path: url, method: method as 'GET', headers, body }, passTo(response))
}).listen(port, '127.0.0.1')
