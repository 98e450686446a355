import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { OrderConfirmed, OrderRefunded } from '@micromart/contracts/order'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { analytics } from '../src/main.ts'

const usd = (minor: number) => ({ minor, currency: 'USD' })

const line = (sku: string, quantity: number, unitPrice: { minor: number; currency: string }) => ({
  lineId: randomUUID(),
  sku,
  title: `The ${sku}`,
  quantity,
  unitPrice,
})

const sale = (confirmedAt: string, ...lines: ReturnType<typeof line>[]) => {
  const currency = lines[0]?.unitPrice.currency ?? 'USD'
  const minor = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice.minor, 0)
  return {
    orderId: randomUUID(),
    number: 'N',
    cartId: randomUUID(),
    customerId: null,
    paymentId: randomUUID(),
    lines,
    total: { minor, currency },
    confirmedAt,
  }
}

const refundOf = ({ orderId, lines, total }: ReturnType<typeof sale>, refundedAt: string) => ({
  orderId,
  number: 'N',
  customerId: null,
  lines,
  amount: total,
  refundedAt,
})

const mugs = sale('2026-11-19T23:59:59.999Z', line('MUG', 2, usd(1_400)), line('APRON', 1, usd(3_800)))
const apron = sale('2026-11-20T00:00:00.000Z', line('APRON', 1, usd(3_800)))
const euros = sale('2026-11-20T10:00:00.000Z', line('MUG', 1, { minor: 1_200, currency: 'EUR' }))
const facts = [
  { type: OrderConfirmed, data: mugs },
  { type: OrderConfirmed, data: apron },
  { type: OrderConfirmed, data: euros },
  { type: OrderRefunded, data: refundOf(apron, '2026-11-21T08:00:00.000Z') },
] as const

const expected = {
  from: '2026-10-23',
  to: '2026-11-21',
  days: [
    {
      day: '2026-11-19',
      currency: 'USD',
      orders: 1,
      revenue: { minor: 6_600, currency: 'USD' },
      refunds: { orders: 0, amount: { minor: 0, currency: 'USD' } },
    },
    {
      day: '2026-11-20',
      currency: 'EUR',
      orders: 1,
      revenue: { minor: 1_200, currency: 'EUR' },
      refunds: { orders: 0, amount: { minor: 0, currency: 'EUR' } },
    },
    {
      day: '2026-11-20',
      currency: 'USD',
      orders: 1,
      revenue: { minor: 3_800, currency: 'USD' },
      refunds: { orders: 0, amount: { minor: 0, currency: 'USD' } },
    },
    {
      day: '2026-11-21',
      currency: 'USD',
      orders: 0,
      revenue: { minor: 0, currency: 'USD' },
      refunds: { orders: 1, amount: { minor: 3_800, currency: 'USD' } },
    },
  ],
  totals: [
    {
      currency: 'USD',
      orders: 2,
      revenue: { minor: 10_400, currency: 'USD' },
      refunds: { orders: 1, amount: { minor: 3_800, currency: 'USD' } },
    },
    {
      currency: 'EUR',
      orders: 1,
      revenue: { minor: 1_200, currency: 'EUR' },
      refunds: { orders: 0, amount: { minor: 0, currency: 'EUR' } },
    },
  ],
  topProducts: [
    { sku: 'APRON', title: 'The APRON', quantity: 2, revenue: { minor: 7_600, currency: 'USD' } },
    { sku: 'MUG', title: 'The MUG', quantity: 2, revenue: { minor: 2_800, currency: 'USD' } },
    { sku: 'MUG', title: 'The MUG', quantity: 1, revenue: { minor: 1_200, currency: 'EUR' } },
  ],
}

const sales = async (h: ServiceHarness, query = '') =>
  h.call({ method: 'GET', url: `/api/v1/analytics/sales${query}`, token: await h.token({ roles: ['staff'] }) })

const deliverAll = async (h: ServiceHarness, order: readonly (typeof facts)[number][]) => {
  for (const { type, data } of order) await h.deliver(type as typeof OrderConfirmed, data as typeof mugs)
}

describe('the analytics service', () => {
  for (const [how, order] of [
    ['as they happened', facts],
    ['backwards, the refund before its sale', facts.toReversed()],
  ] as const)
    test(`counts exactly, each message twice, ${how}`, async () => {
      const h = await startServiceForTest(analytics)
      await deliverAll(h, order)
      const { days, totals, ...rest } = (await sales(h)).body
      assert.deepEqual(
        {
          ...rest,
          days,
          totals: totals.toSorted((a: { currency: string }, b: { currency: string }) =>
            a.currency < b.currency ? 1 : -1,
          ),
        },
        expected,
      )
      await deliverAll(h, order) // a replay under new message ids
      assert.deepEqual((await sales(h)).body.days, expected.days)
      await h.close()
    })

  test('revenue is what was charged, in sum and by product', async () => {
    const h = await startServiceForTest(analytics)
    const bought = sale('2026-11-21T10:00:00.000Z', line('MUG', 1, usd(1_000)), line('APRON', 1, usd(2_000)))
    const discount = { couponCode: 'SALE', amount: usd(1_001) }
    await h.deliver(OrderConfirmed, { ...bought, total: usd(1_999), discount })
    const { totals, topProducts } = (await sales(h)).body
    assert.deepEqual(totals[0].revenue, usd(1_999))
    assert.deepEqual(
      topProducts.map(({ sku, revenue }: { sku: string; revenue: unknown }) => [sku, revenue]),
      [
        ['APRON', usd(1_333)],
        ['MUG', usd(666)],
      ],
    )
    await h.close()
  })

  test('answers staff only, and only sensible periods', async () => {
    const h = await startServiceForTest(analytics)
    assert.equal((await h.call({ method: 'GET', url: '/api/v1/analytics/sales' })).status, 401)
    assert.equal((await h.call({ method: 'GET', url: '/api/v1/analytics/sales', token: await h.token() })).status, 403)
    for (const [query, code] of [
      ['?from=2026-02-30', 'analytics.bad-period'],
      ['?from=2026-11-22&to=2026-11-21', 'analytics.bad-period'],
      ['?from=2020-01-01', 'analytics.bad-period'],
      ['?day=1', 'request.invalid'],
      ['?from=2026-11-20&from=2026-11-21', 'request.invalid'],
    ] as const) {
      const answer = await sales(h, query)
      assert.deepEqual([answer.status, answer.body.code], [400, code], query)
    }
    await h.close()
  })
})
