import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const PAGE = JSON.stringify({ items: Array.from({ length: 20 }, (_, id) => ({ id, title: `Product ${id}` })) })
/** More than a hundred products with all they have: no list of the shop is longer. */
const LONG = Buffer.alloc(512 * 1_024, ' ')

/** Stands for every service: a page of products, and one that is long enough to be read slowly. */
export async function startStandIn(): Promise<number> {
  const server = createServer((request, response) => {
    const isLong = request.url?.endsWith('/long') === true
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(isLong ? LONG : PAGE)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}
