import { createHmac, randomUUID } from 'node:crypto'
import type { NetworkFault } from '@micromart/testkit/fault-proxy'
import { type Random, randomFrom } from '../../random.ts'
import type { PlannedFault, Shape } from '../plan.ts'
import type { LinkName } from '../rig/links.ts'
import type { Rig } from '../rig/rig.ts'
import { type Injected, linksTo, nothingToHeal, numberIn, type RigFault, Violation } from './fault.ts'
import { readFrom } from './sql.ts'

const WEBHOOKS: LinkName = 'provider>payment'
const PATH = '/api/v1/payments/webhooks/sandbox'

const ofPayment = ({ instances }: Rig) => instances.filter(({ service }) => service === 'payment').map(({ id }) => id)

const toProvider = (least: number, most: number, how: (random: Random) => Record<string, number>) => ({
  draw: (random: Random, shape: Shape) => ({
    target: random.pick(linksTo('provider', shape)),
    durationMs: random.between(least, most),
    how: how(random),
  }),
  claims: (target: string) => [target],
})

async function apply(rig: Rig, link: LinkName, network: NetworkFault): Promise<Injected> {
  const proxy = rig.links.get(link)
  await proxy.apply(network)
  return { did: network.kind, heal: () => proxy.heal(), recoveryFrom: 'healing', instances: ofPayment(rig) }
}

const sign = (secret: string, body: string, seconds: number) =>
  `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`

/** Posts a webhook as the provider would; 0 when nobody answered. */
const post = (rig: Rig, body: string, signature: string): Promise<number> =>
  fetch(`http://127.0.0.1:${rig.links.portOf(WEBHOOKS)}${PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sandbox-signature': signature },
    body,
    signal: AbortSignal.timeout(10_000),
  }).then(
    async (answer) => {
      await answer.body?.cancel()
      return answer.status
    },
    () => 0,
  )

interface Stored {
  readonly body: string
}

const recent = (rig: Rig, count: number) =>
  readFrom<Stored>(rig, 'sandbox', {
    sql: 'SELECT body FROM sandbox_webhooks ORDER BY created_at DESC LIMIT $1',
    values: [count],
  })

const nowSeconds = () => Math.floor(Date.now() / 1_000)

/** Four ways to lie about a payment; each must be refused. */
const forgeries: readonly ((secret: string, body: string) => { body: string; signature: string })[] = [
  (_secret, body) => ({ body, signature: sign('not the secret', body, nowSeconds()) }),
  (secret, body) => ({ body, signature: sign(secret, body, nowSeconds() - 3_600) }),
  (secret, body) => ({ body: body.replace(/"minor":\d+/, '"minor":1'), signature: sign(secret, body, nowSeconds()) }),
  (_secret, body) => ({ body, signature: '' }),
]

async function forge(rig: Rig, fault: PlannedFault): Promise<Injected> {
  const [real] = await recent(rig, 1)
  const body = real?.body ?? JSON.stringify({ id: randomUUID(), createdAt: new Date().toISOString(), payment: {} })
  const statuses: number[] = []
  for (const forgery of forgeries) {
    const lie = forgery(rig.webhookSecret, body)
    statuses.push(await post(rig, lie.body, lie.signature))
  }
  const accepted = statuses.filter((status) => status >= 200 && status < 300).length
  if (accepted > 0) throw new Violation(`${accepted} forged webhooks were accepted (${fault.target})`)
  return { did: `answered ${statuses.join(', ')}`, heal: nothingToHeal, recoveryFrom: 'fault', instances: [] }
}

export const providerFaults: readonly RigFault[] = [
  {
    name: 'provider-slow',
    meaning: 'The payment provider answers seconds later. Healed when it is quick again.',
    cards: 4,
    ...toProvider(1_000, 4_000, (random) => ({ delayMs: random.between(200, 1_500) })),
    inject: (rig, fault) =>
      apply(rig, fault.target as LinkName, { kind: 'latency', delayMs: numberIn(fault, 'delayMs'), jitterMs: 100 }),
  },
  {
    name: 'provider-answer-lost',
    meaning: 'The provider does what it is asked, and its answer is lost. Healed when answers come again.',
    cards: 4,
    ...toProvider(300, 2_500, (random) => ({ bytes: random.between(0, 600) })),
    inject: (rig, fault) =>
      apply(rig, fault.target as LinkName, {
        kind: 'cut-after',
        bytes: numberIn(fault, 'bytes'),
        direction: 'to-client',
      }),
  },
  {
    name: 'webhooks-late',
    meaning: 'Webhooks do not arrive for a while, then all at once. Healed when they arrive.',
    cards: 3,
    draw: (random) => ({ target: WEBHOOKS, durationMs: random.between(500, 4_000) }),
    claims: (target) => [target],
    inject: (rig) => apply(rig, WEBHOOKS, { kind: 'partition' }),
  },
  {
    name: 'webhooks-again',
    meaning: 'Webhooks of the last seconds come again, validly signed and in another order. Healed at once.',
    cards: 3,
    draw: (random) => ({
      target: WEBHOOKS,
      durationMs: 0,
      how: { count: random.between(3, 20), order: random.between(0, 1_000_000) },
    }),
    claims: (target) => [target],
    inject: async (rig, fault) => {
      const stored = await recent(rig, numberIn(fault, 'count'))
      const random = randomFrom(numberIn(fault, 'order'))
      const again = random.shuffle([...stored, ...stored])
      const statuses = await Promise.all(
        again.map(({ body }) => post(rig, body, sign(rig.webhookSecret, body, nowSeconds()))),
      )
      const taken = statuses.filter((status) => status === 200).length
      return { did: `${taken} of ${again.length} taken`, heal: nothingToHeal, recoveryFrom: 'fault', instances: [] }
    },
  },
  {
    name: 'webhooks-forged',
    meaning: 'Webhooks with a wrong, old or missing signature or another amount. Each must be refused.',
    cards: 2,
    draw: () => ({ target: WEBHOOKS, durationMs: 0 }),
    claims: (target) => [target],
    inject: forge,
  },
]
