import type { Clock } from '@micromart/kernel/clock'
import type { Ids } from '@micromart/kernel/ids'
import type { Database, Transaction } from '@micromart/postgres/database'
import type { Timer, TimerHandler } from '@micromart/postgres/timers'
import { currentContext, type WorkContext } from '@micromart/telemetry/context'
import type { SandboxPayment } from './sandbox-books.ts'
import type { SandboxEvent } from './sandbox-event.ts'
import { SIGNATURE_HEADER, signWebhook } from './webhook-signature.ts'

const KIND = 'deliver-webhook'
const TIMEOUT_MS = 10_000

const STORE = `
  INSERT INTO sandbox_webhooks (id, key, body, copies, created_at)
  SELECT *, $5::timestamptz FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[])`
const READ = 'SELECT body, copies FROM sandbox_webhooks WHERE id = $1'
const DELIVERED = 'UPDATE sandbox_webhooks SET delivered_at = $2 WHERE id = ANY ($1::uuid[])'

export interface Announcement {
  readonly payment: SandboxPayment
  readonly copies: number
  readonly context: WorkContext | undefined
}

/** Stores what the shop has to be told, with the timers that deliver it. */
export async function storeWebhooks(
  tx: Transaction,
  announcements: readonly Announcement[],
  { ids, now }: { ids: Ids; now: Date },
): Promise<readonly Timer[]> {
  if (announcements.length === 0) return []
  const webhooks = announcements.map((announcement) => ({ id: ids.next(), ...announcement }))
  tx.write(STORE, [
    webhooks.map(({ id }) => id),
    webhooks.map(({ payment }) => payment.key),
    webhooks.map(({ id, payment }) => JSON.stringify(eventOf(id, payment, now))),
    webhooks.map(({ copies }) => copies),
    now,
  ])
  return webhooks.map(({ id, payment, context }) => ({
    id: `${KIND}:${id}`,
    kind: KIND,
    subject: payment.key,
    data: { id },
    dueAt: now,
    context,
  }))
}

function eventOf(id: string, payment: SandboxPayment, now: Date): SandboxEvent {
  const { key, orderId, reference, amount, status, reason } = payment
  const about = { key, orderId, reference, amount }
  return {
    id,
    createdAt: now.toISOString(),
    payment:
      status === 'declined'
        ? { ...about, status, reason: reason ?? 'declined-by-bank' }
        : { ...about, status: 'authorized' },
  }
}

/** Posts a webhook, all its copies at once, again and again until every copy is accepted with a 2xx. */
export function webhookDelivery(options: {
  database: Database
  clock: Clock
  url: string
  secret: string
}): TimerHandler<{ id: string }> {
  const { database, clock } = options
  return {
    kind: KIND,
    perform: async ({ data }) => {
      const [webhook] = await database.query<{ body: string; copies: number }>(READ, [data.id])
      if (!webhook) throw new Error(`Webhook ${data.id} is not stored`)
      const { body, copies } = webhook
      const signature = signWebhook({ secret: options.secret, body, at: clock.now() })
      await Promise.all(Array.from({ length: copies }, () => post(options.url, body, signature)))
    },
    settle: async (tx, done) => {
      tx.write(DELIVERED, [done.map(({ timer }) => timer.data.id), clock.now()])
    },
  }
}

async function post(url: string, body: string, signature: string): Promise<void> {
  const context = currentContext()
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      [SIGNATURE_HEADER]: signature,
      ...(context ? { traceparent: context.traceparent, 'x-request-id': context.correlationId } : {}),
    },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`The webhook was answered with ${response.status}`)
}
