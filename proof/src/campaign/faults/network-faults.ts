import type { FaultProxy, NetworkFault } from '@micromart/testkit/fault-proxy'
import type { Random } from '../../random.ts'
import type { PlannedFault, Shape } from '../plan.ts'
import type { LinkName } from '../rig/links.ts'
import type { Rig } from '../rig/rig.ts'
import { clientOf, type Injected, linksTo, nothingToHeal, numberIn, type RigFault } from './fault.ts'

/** A link, and the process at its end: nobody hurts the same process in another way. */
const claims = (target: string, shape: Shape) => {
  const client = clientOf(target, shape)
  return client ? [target, client] : [target]
}

const proxyOf = (rig: Rig, { target }: PlannedFault): FaultProxy => rig.links.get(target as LinkName)

async function apply(rig: Rig, fault: PlannedFault, network: NetworkFault): Promise<Injected> {
  const proxy = proxyOf(rig, fault)
  await proxy.apply(network)
  return {
    did: `${network.kind} on ${proxy.connections()} connections`,
    heal: () => proxy.heal(),
    recoveryFrom: 'healing',
    instances: hurtBy(rig, fault.target),
  }
}

/** Who has to be ready again: the process at the client's end, or all of the service that everybody calls. */
function hurtBy({ instances }: Rig, link: string): readonly string[] {
  const [from, to] = link.split('>')
  return instances.filter(({ id, service }) => id === from || service === to).map(({ id }) => id)
}

/** A fault on one of these links, for so long. */
const on = (
  links: (shape: Shape) => readonly string[],
  [least, most]: readonly [leastMs: number, mostMs: number],
  how?: (random: Random) => NonNullable<PlannedFault['how']>,
) => ({
  draw: (random: Random, shape: Shape) => ({
    target: random.pick(links(shape)),
    durationMs: random.between(least, most),
    ...(how ? { how: how(random) } : {}),
  }),
  claims,
})

const all = ({ links }: Shape) => links
const toPostgres = (shape: Shape) => linksTo('postgres', shape)
const toRabbitMq = (shape: Shape) => linksTo('rabbitmq', shape)
const toServices = ({ links }: Shape) => links.filter((link) => /^(everyone|queries|shoppers)>/.test(link))

const DIRECTIONS = ['to-server', 'to-client'] as const
const directionIn = ({ how }: PlannedFault, name: string) => (how?.[name] === 'to-server' ? 'to-server' : 'to-client')
const partition: RigFault['inject'] = (rig, fault) => apply(rig, fault, { kind: 'partition' })

export const networkFaults: readonly RigFault[] = [
  {
    name: 'partition-postgres',
    meaning: 'Nothing passes between a process and PostgreSQL, silently. Healed when it passes again.',
    cards: 6,
    ...on(toPostgres, [300, 4_000]),
    inject: partition,
  },
  {
    name: 'partition-rabbitmq',
    meaning: 'Nothing passes between a process and RabbitMQ, silently. Healed when it passes again.',
    cards: 6,
    ...on(toRabbitMq, [300, 4_000]),
    inject: partition,
  },
  {
    name: 'partition-service',
    meaning: 'Nobody reaches a service, silently. Healed when they do.',
    cards: 5,
    ...on(toServices, [300, 3_000]),
    inject: partition,
  },
  {
    name: 'one-way-cut',
    meaning: 'One direction of a link is silent. Healed when it passes again.',
    cards: 6,
    ...on(all, [300, 3_000], (random) => ({ lost: random.pick(DIRECTIONS) })),
    inject: (rig, fault) => apply(rig, fault, { kind: 'one-way', lost: directionIn(fault, 'lost') }),
  },
  {
    name: 'latency',
    meaning: 'A link is slow, by up to half a second each way. Healed when it is not.',
    cards: 6,
    ...on(all, [500, 3_000], (random) => ({ delayMs: random.between(20, 300), jitterMs: random.between(0, 200) })),
    inject: (rig, fault) =>
      apply(rig, fault, {
        kind: 'latency',
        delayMs: numberIn(fault, 'delayMs'),
        jitterMs: numberIn(fault, 'jitterMs'),
      }),
  },
  {
    name: 'narrow-line',
    meaning: 'A link carries a few kilobytes a second. Healed when it is wide again.',
    cards: 4,
    ...on(all, [500, 3_000], (random) => ({ bytesPerSecond: random.between(2_000, 50_000) })),
    inject: (rig, fault) => apply(rig, fault, { kind: 'bandwidth', bytesPerSecond: numberIn(fault, 'bytesPerSecond') }),
  },
  {
    name: 'reset',
    meaning: 'Every connection of a link is reset (RST): work done but not acknowledged comes again. Healed at once.',
    cards: 7,
    ...on(all, [0, 0]),
    inject: async (rig, fault) => ({
      did: `${proxyOf(rig, fault).reset()} connections reset`,
      heal: nothingToHeal,
      recoveryFrom: 'fault',
      instances: hurtBy(rig, fault.target),
    }),
  },
  {
    name: 'cut-mid-message',
    meaning: 'Connections break after some bytes, in the middle of a message. Healed when they no longer do.',
    cards: 5,
    ...on(all, [300, 2_000], (random) => ({ bytes: random.between(1, 4_000), direction: random.pick(DIRECTIONS) })),
    inject: (rig, fault) =>
      apply(rig, fault, {
        kind: 'cut-after',
        bytes: numberIn(fault, 'bytes'),
        direction: directionIn(fault, 'direction'),
      }),
  },
  {
    name: 'half-open',
    meaning: 'Connections look open and are dead. Healed when new ones live; the dead stay dead.',
    cards: 3,
    ...on(all, [300, 2_000]),
    inject: (rig, fault) => apply(rig, fault, { kind: 'half-open' }),
  },
  {
    name: 'refuse',
    meaning: 'A port is closed; what is connected goes on. Healed when it is open.',
    cards: 4,
    ...on(all, [300, 3_000]),
    inject: (rig, fault) => apply(rig, fault, { kind: 'refuse' }),
  },
]
