import type { AnyServiceDefinition, ServiceName } from '@micromart/service-kit/service'
import { serviceNames } from '@micromart/service-kit/service'
import { randomFrom } from '../../random.ts'
import type { Fault, Plan } from '../plan.ts'
import { createSimulatedBroker } from './broker.ts'
import { enter } from './globals.ts'
import { createNetwork, type Network, NoAnswer } from './network.ts'
import { type Crash, createNode, type ServiceNode } from './node.ts'
import { createSchedule, type Schedule } from './schedule.ts'
import { type DatabaseServers, takeDown } from './servers.ts'
import { createTrace, type Trace } from './trace.ts'

/** A whole shop in one thread: eight services with their stores, the broker and the network between them. */
export interface World {
  readonly schedule: Schedule
  readonly trace: Trace
  readonly network: Network
  readonly servers: DatabaseServers
  readonly nodes: readonly ServiceNode[]
  /** Lets the plan's faults happen when their time comes. */
  storm(): void
  /** Ends every fault; what is down comes up. */
  calm(): void
  isQuiet(): boolean
}

export type Definitions = Readonly<Record<ServiceName, AnyServiceDefinition>>

const START_MS = Date.UTC(2026, 0, 5, 9)

const PAYMENT_TIMEOUT_MS = 6_000
const WEBHOOK_SECRET = 'the sandbox signs with this'

const environmentOf = (name: ServiceName): Record<string, string> => ({
  MICROMART_ENV: 'development',
  PORT: '1',
  DATABASE_URL: `sim://${name}`,
  INTERNAL_TOKEN: 'internal',
  JWKS_URL: 'http://user/.well-known/jwks.json',
  PUBLIC_URL: 'http://gateway',
  SELF_URL: `http://${name}`,
  USER_GRPC_URL: 'http://user',
  CART_GRPC_URL: 'http://cart',
  PRODUCT_GRPC_URL: 'http://product',
  ORDER_GRPC_URL: 'http://order',
  PAYMENT_GRPC_URL: 'http://payment',
  NOTIFICATION_GRPC_URL: 'http://notification',
  LOG_LEVEL: 'silent',
  USER_DEMO_ACCOUNTS: 'true',
  USER_TOKEN_TTL_S: '86400',
  ORDER_STOCK_TIMEOUT_MS: '20000',
  ORDER_PAYMENT_TIMEOUT_MS: String(PAYMENT_TIMEOUT_MS),
  INVENTORY_HOLD_MS: String(4 * PAYMENT_TIMEOUT_MS),
  PAYMENT_RECONCILE_MS: '3000',
  SANDBOX_DATABASE_URL: 'sim://sandbox',
  SANDBOX_WEBHOOK_SECRET: WEBHOOK_SECRET,
  SANDBOX_SLOW_MS: '1000',
  SANDBOX_LATE_MS: '1500',
  MAIL_URL: 'mailbox:',
})

export function createWorld(
  plan: Plan,
  {
    definitions,
    servers: serversFor,
  }: {
    definitions: Definitions
    servers: (world: { schedule: Schedule; random: ReturnType<typeof randomFrom> }) => DatabaseServers
  },
): World {
  const random = randomFrom(plan.seed, 'world')
  const schedule = createSchedule(START_MS)
  const trace = createTrace(() => schedule.nowMs)
  const servers = serversFor({ schedule, random: random.fork('servers') })
  const { noise } = plan
  const shared = { schedule, trace, noise }
  const broker = createSimulatedBroker({ ...shared, random: random.fork('broker') })
  const network = createNetwork({ ...shared, random: random.fork('network') })
  const webhooks: { readonly body: string; readonly headers: Readonly<Record<string, string>> }[] = []

  let forgeNext = false

  /** Somebody says the contrary a moment before the provider speaks, and cannot sign it. */
  const forge = async (body: string, headers: Readonly<Record<string, string>>) => {
    forgeNext = false
    trace.add('fault', 'a forged webhook comes first')
    const { id, payment, ...rest } = JSON.parse(body) as { id: string; payment: { status: string; reason?: string } }
    const { status, reason: _, ...about } = payment
    const contrary = status === 'declined' ? { status: 'authorized' } : { status: 'declined', reason: 'forged' }
    await post(JSON.stringify({ ...rest, id: `${id}x`, payment: { ...about, ...contrary } }), headers).catch(() => {})
  }

  const post = (body: string, headers: Readonly<Record<string, string>>) =>
    network.request('payment', { method: 'POST', path: '/api/v1/payments/webhooks/sandbox', headers, body })

  enter({
    schedule,
    random: random.fork('chance'),
    bytes: random.fork('bytes'),
    fetch: async (url, { method = 'GET', headers, body }) => {
      const sent = Object.fromEntries(new Headers(headers))
      if (url.pathname.includes('webhooks')) {
        webhooks.push({ body: String(body), headers: sent })
        if (forgeNext) await forge(String(body), sent)
      }
      try {
        const request = { method, path: url.pathname, headers: sent, ...(body ? { body: String(body) } : {}) }
        const { status, text } = await network.request(url.hostname, request)
        return new Response(text, { status, headers: { 'content-type': 'application/json' } })
      } catch (error) {
        throw error instanceof NoAnswer ? new TypeError('fetch failed', { cause: error }) : error
      }
    },
  })

  const nodes = serviceNames.flatMap((name) =>
    Array.from({ length: plan.instances[name] ?? 1 }, (_, index) =>
      createNode({
        ...shared,
        definition: definitions[name],
        label: index === 0 ? name : `${name}'`,
        environment: environmentOf(name),
        servers,
        broker,
        network,
        random: random.fork(`${name} ${index}`),
        crashes:
          index === 0
            ? plan.faults.filter((fault): fault is Crash => fault.kind === 'crash' && fault.service === name)
            : [],
      }),
    ),
  )
  const nodeOf = (name: ServiceName) => nodes.find((node) => node.name === name) as ServiceNode

  const downFor = (downMs: number, what: string, { stop, start }: { stop: () => void; start: () => void }) => {
    trace.add('fault', `${what} goes down for ${downMs} ms`)
    stop()
    schedule.after(downMs, start)
  }

  const strike = (fault: Fault) => {
    switch (fault.kind) {
      case 'crash':
        return // counted by the service itself
      case 'database-down': {
        const server = servers[fault.database]
        return downFor(fault.downMs, `database ${fault.database}`, {
          stop: () => takeDown(server),
          start: () => {
            server.up = true
          },
        })
      }
      case 'broker-down':
        return downFor(fault.downMs, 'the broker', broker)
      case 'freeze':
        trace.add('fault', `${fault.service} stands still for ${fault.forMs} ms`)
        return nodeOf(fault.service).freeze(fault.forMs)
      case 'partition':
        trace.add('fault', `${fault.service} is cut off from its database for ${fault.forMs} ms`)
        return nodeOf(fault.service).partition(fault.forMs)
      case 'clock-jump':
        trace.add('fault', `the clock of ${fault.service} jumps by ${fault.byMs} ms`)
        return nodeOf(fault.service).jumpClock(fault.byMs)
      case 'webhook-replayed':
        return replay()
      case 'webhook-forged':
        forgeNext = true
        return
    }
  }

  const replay = () => {
    const webhook = webhooks.length > 0 ? random.pick(webhooks) : undefined
    if (!webhook) return
    trace.add('fault', 'a webhook comes again')
    post(webhook.body, webhook.headers).catch(() => {})
  }

  return {
    schedule,
    trace,
    network,
    servers,
    nodes,
    storm: () => {
      for (const fault of plan.faults) if ('atMs' in fault) schedule.after(fault.atMs, () => strike(fault))
    },
    calm: () => {
      trace.add('world', 'is calm')
      for (const node of nodes) node.calm()
      for (const server of Object.values(servers)) server.up = true
      broker.calm()
      broker.start()
      network.calm()
    },
    isQuiet: broker.isQuiet,
  }
}
