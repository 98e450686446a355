import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { METRICS_CONTENT_TYPE } from '@micromart/telemetry/metrics'

export interface MetricsServer {
  readonly url: string
  close(): void
}

/** Metrics have a port of their own, so that no route and no proxy in front can ever show them to the outside. */
export async function serveMetrics(
  { host, port }: { host: string; port: number },
  text: () => Promise<string>,
): Promise<MetricsServer> {
  const server = createServer(async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return void response.writeHead(404).end()
    try {
      const body = await text()
      response.writeHead(200, { 'content-type': METRICS_CONTENT_TYPE }).end(body)
    } catch {
      response.writeHead(503).end() // one of several processes is only starting; the next scrape asks again
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve)
  })
  const { port: own } = server.address() as AddressInfo
  return { url: `http://${host}:${own}/metrics`, close: () => void server.close().closeAllConnections() }
}
