import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { CartQueries } from '@micromart/contracts/gen/cart_pb'
import { hashCartToken, newCartToken } from '@micromart/http-kit/cart-token'
import { queryServer } from '@micromart/service-kit/queries'
import { startServiceForTest } from '@micromart/testkit/service-harness'
import { order } from '../src/main.ts'

const usd = (minor: number) => ({ minor, currency: 'USD' })

test('a checkout that has not arrived yet is shown as placed, with its discount and what is charged', async (t) => {
  const token = newCartToken()
  const line = { lineId: randomUUID(), sku: 'MUG', title: 'Mug', quantity: 2 }
  const checkout = {
    ...{ found: true, cartId: randomUUID(), guestTokenHash: hashCartToken(token), currency: 'USD' },
    lines: [{ ...line, unitPriceMinor: 1_400n }],
    totalMinor: 2_800n,
    checkedOutAt: '2026-11-21T12:00:00.000Z',
  }
  const [full, discounted] = [randomUUID(), randomUUID()]
  const cart = await startCart(t, {
    [full]: checkout,
    [discounted]: { ...checkout, totalMinor: 2_520n, discountMinor: 280n, couponCode: 'SPRING' },
  })
  const h = await startServiceForTest(order, { env: { CART_GRPC_URL: cart } })
  t.after(() => h.close())
  const read = (orderId: string) =>
    h.call({ method: 'GET', url: `/api/v1/orders/${orderId}`, headers: { 'cart-token': token } })

  const { status, body } = await read(discounted)
  assert.deepEqual(
    [status, body.status, body.lines, body.discount, body.total],
    [200, 'placed', [{ ...line, unitPrice: usd(1_400) }], { couponCode: 'SPRING', amount: usd(280) }, usd(2_520)],
  )
  const other = (await read(full)).body
  assert.deepEqual([other.total, 'discount' in other], [usd(2_800), false])
  assert.equal((await read(randomUUID())).status, 404)
})

/** Stands in for cart: a real gRPC server that knows these checkouts. */
async function startCart(t: TestContext, checkouts: Readonly<Record<string, object>>): Promise<string> {
  const server = queryServer(
    (router) => {
      router.service(CartQueries, {
        getCheckout: ({ orderId }) => ({ found: false, ...checkouts[orderId] }),
        getOrderContact: () => ({ found: false }),
      })
    },
    { internalToken: 'test-internal-token' },
  )
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
