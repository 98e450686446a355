// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are characters of source files

/** A mistake that somebody could have made, as the characters of one source file that it changes. Nothing of it is in the product. */
export interface Bug {
  readonly name: string
  /** What is wrong with the product then. */
  readonly mistake: string
  readonly file: string
  readonly find: string
  readonly replace: string
}

export const bugs: readonly Bug[] = [
  {
    name: 'inbox-check-dropped',
    mistake: 'a message that comes twice is handled twice',
    file: 'packages/postgres/src/inbox.ts',
    find: 'return new Set(rows.map(({ message_id }) => message_id))',
    replace: 'return new Set([...rows.map(({ message_id }) => message_id), ...sorted.map(({ id }) => id)])',
  },
  {
    name: 'inbox-before-effect',
    mistake: 'the inbox row is committed before the effect of its message',
    file: 'packages/service-kit/src/consume.ts',
    find: 'const fresh = await recordInInbox(tx, {',
    replace: 'const fresh = await recordInInbox(database as never, {',
  },
  {
    name: 'acknowledged-before-commit',
    mistake: 'messages are acknowledged before their transaction has committed',
    file: 'packages/service-kit/src/consume.ts',
    find: 'const handleBatch = async (batch: readonly Read[]): Promise<readonly Verdict[]> => {',
    replace:
      'const handleBatch = async (batch: readonly Read[]): Promise<readonly Verdict[]> => {\n    void handleTogether(batch).catch(() => {})\n    if (batch.length > 0) return batch.map(() => done)',
  },
  {
    name: 'acknowledged-on-exception',
    mistake: 'a message whose handling failed is acknowledged all the same',
    file: 'packages/service-kit/src/consume.ts',
    find: "if (isUnavailable(error) || !('message' in read)) throw error",
    replace: "if (isUnavailable(error)) return done\n      if (!('message' in read)) throw error",
  },
  {
    name: 'outbox-marked-before-confirm',
    mistake: 'an outbox row counts as published before the broker has confirmed it',
    file: 'packages/postgres/src/outbox-relay.ts',
    find: 'for (const { id } of rows) inFlight.add(id)',
    replace:
      'for (const { id } of rows) inFlight.add(id)\n    if (rows.length > 0) await database.execute(MARK, [rows.map(({ id }) => id), clock.now()])',
  },
  {
    name: 'outbox-paged-by-id',
    mistake: 'the relay reads on from the last id, so a row that commits late is never seen',
    file: 'packages/postgres/src/outbox-relay.ts',
    find: 'WHERE published_at IS NULL AND available_at <= $1 AND id <> ALL ($2::uuid[])',
    replace:
      'WHERE published_at IS NULL AND available_at <= $1 AND id <> ALL ($2::uuid[])\n    AND NOT EXISTS (SELECT 1 FROM outbox AS later WHERE later.published_at IS NOT NULL AND later.id > outbox.id)',
  },
  {
    name: 'outbox-outside-transaction',
    mistake: 'messages are written after the commit of what they tell about, in a transaction of their own',
    file: 'packages/postgres/src/command-runner.ts',
    find: 'await options.outbox.add(\n      tx,',
    replace:
      'const later = { write: (text: string, values: readonly unknown[]) => tx.afterCommit(() => void options.database.execute(text, values).catch(() => {})), afterCommit: () => {} }\n    await options.outbox.add(\n      later as never,',
  },
  {
    name: 'version-not-guarded',
    mistake: 'an event whose version is taken is dropped in silence',
    file: 'packages/postgres/src/event-log.ts',
    find: 'SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::json[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])`',
    replace:
      'SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::json[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])\n  ON CONFLICT DO NOTHING`',
  },
  {
    name: 'answer-not-recorded',
    mistake: 'the answer to an idempotency key is not kept',
    file: 'packages/postgres/src/idempotency.ts',
    find: 'if (key) record(tx, key, result.value)',
    replace: 'if (key && result.value.status === 0) record(tx, key, result.value)',
  },
  {
    name: 'new-key-for-each-try',
    mistake: 'the provider is asked with a new idempotency key at each try',
    file: 'services/payment/src/provider-steps.ts',
    find: "step('authorize', (data) => provider.authorize(data), answered)",
    replace:
      "step('authorize', (data) => provider.authorize({ ...data, key: data.key.slice(0, -6) + String(Math.random()).slice(2, 8) }), answered)",
  },
  {
    name: 'payment-timeout-forgotten',
    mistake: 'nobody wakes an order whose payment never comes',
    file: 'services/order/src/domain/react.ts',
    find: "wakeAt: { kind: 'payment-timeout', at: event.paymentDueAt },",
    replace: '',
  },
  {
    name: 'cancel-without-message',
    mistake: 'an order that is cancelled because it was not paid in time tells nobody',
    file: 'services/order/src/domain/react.ts',
    find: "case 'OrderCancelled': {",
    replace: "case 'OrderCancelled': {\n      if (event.reason === 'payment-timeout') return { messages: [] }",
  },
  {
    name: 'no-void-after-cancel',
    mistake: 'money that was authorised for a cancelled order is not given back',
    file: 'services/payment/src/domain/payment.ts',
    find: "return become({ ...payment, money: { ...money, status: 'voiding' } }, ...before, ask('void'))",
    replace: 'return become(payment, ...before)',
  },
  {
    name: 'late-success-kept',
    mistake: 'an authorisation that comes after the cancellation is kept',
    file: 'services/payment/src/domain/payment.ts',
    find: "return become({ ...payment, money: { status: 'voiding', ...held } }, ask('void'))",
    replace: "return become({ ...payment, money: { status: 'authorized', ...held } })",
  },
  {
    name: 'no-refund-after-cancel',
    mistake: 'a capture that was on its way when the order was cancelled is not refunded',
    file: 'services/payment/src/domain/payment.ts',
    find: "return payment.orderSays === 'cancelled' ? cancel(captured, ...effects) : become(captured, ...effects)",
    replace: 'return become(captured, ...effects)',
  },
  {
    name: 'payment-lock-skipped',
    mistake: 'two transactions decide about one payment at the same time',
    file: 'services/payment/src/adapters/postgres-payments.ts',
    find: 'ORDER BY order_id FOR UPDATE`',
    replace: 'ORDER BY order_id`',
  },
  {
    name: 'cart-lock-skipped',
    mistake: 'a cart is read without its lock, so two edits at once lose one',
    file: 'services/cart/src/adapters/postgres-carts.ts',
    find: 'const LOCK = `${FIND} FOR UPDATE`',
    replace: 'const LOCK = FIND',
  },
  {
    name: 'cancel-keeps-hold',
    mistake: 'a cancelled order keeps its pieces',
    file: 'services/inventory/src/messages/inventory-subscriptions.ts',
    find: "on(OrderCancelled, ending(handle(() => ({ type: 'Cancel' })))),",
    replace: 'on(OrderCancelled, ending(async () => {})),',
  },
  {
    name: 'movement-not-booked',
    mistake: 'pieces that come back are not in the ledger of movements',
    file: 'services/inventory/src/domain/reservation.ts',
    find: "movements: reservation.lines.map((line) => ({ ...line, kind: 'return' })),",
    replace: 'movements: [],',
  },
  {
    name: 'signature-not-checked',
    mistake: 'a webhook is believed without its signature',
    file: 'services/payment/src/adapters/sandbox/sandbox-event.ts',
    find: 'if (!isSignedWebhook({ secret, rawBody, signature, now: clock.now() }))',
    replace: 'if (!isSignedWebhook({ secret, rawBody, signature, now: clock.now() }) && rawBody.length === 0)',
  },
  {
    name: 'unconfirmed-counts-as-published',
    mistake: 'a publish that was returned or timed out is taken for confirmed',
    file: 'packages/postgres/src/outbox-relay.ts',
    find: ": { failure: `${outcome.reason}: ${outcome.detail}`, brokerAway: outcome.reason === 'unavailable' }",
    replace: ': { failure: undefined, brokerAway: false }',
  },
  {
    name: 'lost-commit-run-again',
    mistake: 'a transaction whose answer is lost is run again at once, though it may have committed',
    file: 'packages/postgres/src/idempotency.ts',
    find: 'return await database.transaction(async (tx) => {',
    replace:
      'const twice = (work: (tx: Transaction) => Promise<never>) =>\n        database.transaction(work).catch((error) => (String(error).includes("terminated") ? database.transaction(work) : Promise.reject(error)))\n      return await (twice as typeof database.transaction)(async (tx) => {',
  },
  {
    name: 'total-without-quantity',
    mistake: 'the total of a cart leaves the quantities out',
    file: 'services/cart/src/http/checkout-routes.ts',
    find: 'total: totalOfCart(cart),',
    replace: 'total: totalOfCart({ ...cart, lines: cart.lines.map((line) => ({ ...line, quantity: 1 })) }),',
  },
  {
    name: 'no-tombstone',
    mistake: 'a cancellation that overtakes its order is forgotten, so the order is held later',
    file: 'services/inventory/src/adapters/postgres-reservations.ts',
    find: 'isNew.has(order_id) ? noReservation : { status, lines }',
    replace:
      "isNew.has(order_id) || (status === 'cancelled' && lines.length === 0) ? noReservation : { status, lines }",
  },
  {
    name: 'mail-given-up',
    mistake: 'a mail whose addressee cannot be asked for right now is given up',
    file: 'services/notification/src/email-timer.ts',
    find: 'const addressee = await contacts.find(data)',
    replace: 'const addressee = await contacts.find(data).catch(() => undefined)',
  },
  {
    name: 'coupon-not-given-back',
    mistake: 'a cancelled order keeps its use of a coupon',
    file: 'services/cart/src/messages/cart-subscriptions.ts',
    find: 'await coupons.giveBack(tx, orderIds, clock.now())',
    replace: 'void orderIds',
  },
  {
    name: 'coupon-limit-after-the-fact',
    mistake: 'a coupon is used without counting',
    file: 'services/cart/src/adapters/postgres-coupons.ts',
    find: 'UPDATE coupons SET uses = uses + 1\n  WHERE code = $1 AND (most_uses IS NULL OR uses < most_uses) AND',
    replace: 'UPDATE coupons SET uses = uses\n  WHERE code = $1 AND',
  },
]
