import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decide, evolve, noOrder, type Order, type OrderCommand, type OrderEvent, type Purchase } from './order.ts'

const total = { minor: 2_800, currency: 'USD' }
const purchase: Purchase = {
  cartId: 'cart-1',
  customerId: null,
  guestTokenHash: 'hash',
  lines: [{ lineId: 'line-1', sku: 'MUG', title: 'Mug', quantity: 2, unitPrice: { minor: 1_400, currency: 'USD' } }],
  total,
  paymentMethod: 'sandbox:success',
}

const place: OrderCommand = { type: 'PlaceOrder', purchase, stockDueAt: '2026-01-02T00:00:00.000Z' }
const reserved: OrderCommand = { type: 'NoteStockReserved', paymentDueAt: '2026-01-01T00:15:00.000Z' }
const authorized: OrderCommand = {
  type: 'NotePaymentAuthorized',
  paymentId: 'pay-1',
  amount: total,
  at: '2026-01-01T00:01:00.000Z',
}
const refunded: OrderCommand = { type: 'NotePaymentRefunded', paymentId: 'pay-1', amount: total }

const given = (...commands: OrderCommand[]) => {
  const run = (order: Order, command: OrderCommand) => {
    const decision = decide(command, order)
    return decision.ok ? decision.value.reduce(evolve, order) : order
  }
  const order = commands.reduce(run, noOrder)
  return {
    when: (command: OrderCommand) => {
      const decision = decide(command, order)
      return decision.ok
        ? decision.value.map((event) =>
            event.type === 'OrderCancelled' ? `OrderCancelled: ${event.reason}` : event.type,
          )
        : decision.error.code
    },
  }
}

test('a purchase goes from placed over stock and money to confirmed', () => {
  assert.deepEqual(given().when(place), ['OrderPlaced'])
  assert.deepEqual(given(place).when(reserved), ['StockSecured'])
  assert.deepEqual(given(place, reserved).when(authorized), ['OrderConfirmed'])
})

test('whatever is heard again changes nothing', () => {
  assert.deepEqual(given(place).when(place), [])
  assert.deepEqual(given(place, reserved).when(reserved), [])
  assert.deepEqual(given(place, reserved, authorized).when(authorized), [])
  assert.deepEqual(given(place, { type: 'CancelOrder' }).when({ type: 'CancelOrder' }), [])
})

test('each way to fail cancels with its reason, and only while it matters', () => {
  assert.deepEqual(given(place).when({ type: 'NoteStockRejected' }), ['OrderCancelled: out-of-stock'])
  assert.deepEqual(given(place).when({ type: 'NoteStockTimedOut' }), ['OrderCancelled: stock-timeout'])
  assert.deepEqual(given(place, reserved).when({ type: 'NotePaymentDeclined' }), ['OrderCancelled: payment-declined'])
  assert.deepEqual(given(place, reserved).when({ type: 'NotePaymentTimedOut' }), ['OrderCancelled: payment-timeout'])
  assert.deepEqual(given(place, reserved, authorized).when({ type: 'NotePaymentTimedOut' }), [])
  assert.deepEqual(given(place, reserved, authorized).when({ type: 'NoteStockLost' }), ['OrderCancelled: out-of-stock'])
})

test('a customer may cancel before and after the confirmation, and money that comes back makes it refunded', () => {
  assert.deepEqual(given(place).when({ type: 'CancelOrder' }), ['OrderCancelled: customer'])
  assert.deepEqual(given(place, reserved, authorized).when({ type: 'CancelOrder' }), ['OrderCancelled: customer'])
  assert.deepEqual(given(place, reserved, authorized, { type: 'CancelOrder' }).when(refunded), ['OrderRefunded'])
  assert.equal(
    given(place, reserved, authorized, { type: 'CancelOrder' }, refunded).when({ type: 'CancelOrder' }),
    'order.already-refunded',
  )
})

test('money for a cancelled order confirms nothing, and another amount is refused', () => {
  assert.deepEqual(given(place, reserved, { type: 'NotePaymentTimedOut' }).when(authorized), [])
  assert.equal(
    given(place, reserved).when({ ...authorized, amount: { minor: 1, currency: 'USD' } }),
    'order.amount-mismatch',
  )
})

test('nothing can happen to an order that was never placed', () => {
  assert.equal(given().when(authorized), 'order.unknown')
})

const anyCommand = fc.constantFrom<OrderCommand>(
  place,
  reserved,
  authorized,
  refunded,
  { type: 'CancelOrder' },
  { type: 'NoteStockRejected' },
  { type: 'NoteStockLost' },
  { type: 'NoteStockTimedOut' },
  { type: 'NotePaymentActionRequired', actionUrl: 'https://example.test/a' },
  { type: 'NotePaymentDeclined' },
  { type: 'NotePaymentTimedOut' },
  { type: 'NotePaymentCaptured', paymentId: 'pay-1' },
  { type: 'NotePaymentVoided', paymentId: 'pay-1' },
)

/** Inventory and payment as they are promised to behave, driven by the order's own events only. */
function othersAfter(events: readonly OrderEvent[], moneyCame: boolean) {
  const cancelled = events.some(({ type }) => type === 'OrderCancelled')
  const confirmed = events.some(({ type }) => type === 'OrderConfirmed')
  return { stockKept: confirmed && !cancelled, moneyKept: moneyCame && confirmed && !cancelled }
}

test('in any order of messages, repeats included: one confirmation at most, one cancellation at most, and nothing is kept without a confirmed order', () => {
  fc.assert(
    fc.property(fc.array(anyCommand, { maxLength: 40 }), (commands) => {
      let order: Order = noOrder
      const events: OrderEvent[] = []
      for (const command of commands) {
        const decision = decide(command, order)
        if (!decision.ok) continue
        events.push(...decision.value)
        order = decision.value.reduce(evolve, order)
      }
      const count = (type: OrderEvent['type']) => events.filter((event) => event.type === type).length
      for (const type of ['OrderPlaced', 'StockSecured', 'OrderConfirmed', 'OrderCancelled', 'OrderRefunded'] as const)
        assert.ok(count(type) <= 1, `${type} happened ${count(type)} times`)
      if (count('OrderConfirmed') === 1) {
        assert.equal(count('StockSecured'), 1, 'confirmed without stock')
        const cancelledAt = events.findIndex(({ type }) => type === 'OrderCancelled')
        const confirmedAt = events.findIndex(({ type }) => type === 'OrderConfirmed')
        assert.ok(cancelledAt === -1 || confirmedAt < cancelledAt, 'confirmed after it was cancelled')
      }
      const { stockKept, moneyKept } = othersAfter(events, commands.includes(authorized))
      const finalHolder = order.status === 'confirmed'
      assert.equal(stockKept, finalHolder)
      if (moneyKept) assert.equal(order.status, 'confirmed')
      assert.deepEqual(events.reduce(evolve, noOrder), order, 'the log tells the same as the state')
    }),
    { numRuns: 2_000 },
  )
})
