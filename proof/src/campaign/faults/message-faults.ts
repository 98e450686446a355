import { randomUUID } from 'node:crypto'
import { topology } from '@micromart/contracts/topology'
import { until } from '@micromart/testkit/until'
import { runProgram } from '../../program.ts'
import { randomFrom } from '../../random.ts'
import type { PlannedFault } from '../plan.ts'
import type { Rig } from '../rig/rig.ts'
import { nothingToHeal, numberIn, type RigFault } from './fault.ts'
import { publishAll } from './publish.ts'
import { readFrom } from './sql.ts'

const consumers = Object.keys(topology)
const publishers = ['cart', 'order', 'inventory', 'payment'] as const

const BURIED_WITHIN_MS = 90_000

/** Waits until what nobody can handle lies with the dead letters of its consumer, and discards it there as an operator would. */
async function buryAndDiscard(rig: Rig, consumer: string, mark: string): Promise<void> {
  const find = () =>
    readFrom<{ id: string }>(rig, consumer as 'order', {
      sql: `SELECT id FROM dead_letters WHERE state = 'waiting' AND body LIKE '%' || $1 || '%'`,
      values: [mark],
    })
  const letters = await until(
    async () => {
      const found = await find()
      return found.length > 0 && found
    },
    { withinMs: BURIED_WITHIN_MS, what: `the bad message lies with the dead letters of ${consumer}` },
  )
  for (const { id } of letters) await discard(rig, id)
}

async function discard({ databases }: Rig, id: string): Promise<void> {
  const urls = Object.fromEntries(
    Object.entries(databases).map(([name, url]) => [`${name.toUpperCase()}_DATABASE_URL`, url]),
  )
  await until(async () => (await runProgram(['dead-letters', 'discard', id], urls)).code === 0, {
    withinMs: BURIED_WITHIN_MS,
    what: `micromart dead-letters discard ${id} succeeds`,
  })
}

const badMessage = (
  bodyOf: (fault: PlannedFault, mark: string) => string,
): Pick<RigFault, 'inject' | 'draw' | 'claims'> => ({
  draw: (random) => ({ target: random.pick(consumers), durationMs: 0, how: { kind: random.between(0, 2) } }),
  claims: (target) => ['rabbitmq', `queue of ${target}`],
  inject: async (rig, fault) => {
    const mark = `campaign-${randomUUID()}`
    const body = bodyOf(fault, mark)
    await publishAll(rig, [{ exchange: '', key: `micromart.${fault.target}`, body }])
    return {
      did: `sent ${body.slice(0, 40)}`,
      heal: () => buryAndDiscard(rig, fault.target, mark),
      recoveryFrom: 'healing',
      instances: [],
    }
  },
})

const envelope = (type: string, data: unknown) =>
  JSON.stringify({
    specversion: '1.0',
    id: randomUUID(),
    source: '/campaign',
    type,
    subject: randomUUID(),
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data,
  })

const poison = ({ how }: PlannedFault, mark: string): string =>
  [`{"specversion":"1.0","${mark}`, `"${mark}"`, JSON.stringify({ id: mark, type: 'micromart.order.placed.v1' })][
    Number(how?.['kind'])
  ] ?? mark

/** A later version of a message that this consumer knows, or the same version with data that no schema of today accepts. */
const fromTheFuture = ({ target, how }: PlannedFault, mark: string): string => {
  const [known = ''] = topology[target] ?? []
  const type = how?.['kind'] === 0 ? known.replace(/v1$/, 'v2') : known
  return envelope(type, { mark, schema: 'of tomorrow', orderId: { nested: true } })
}

const RECENT = `
  SELECT type, envelope::text AS body FROM outbox WHERE published_at IS NOT NULL ORDER BY id DESC LIMIT $1`

export const messageFaults: readonly RigFault[] = [
  {
    name: 'duplicate-messages',
    meaning: 'Messages of the last seconds are delivered again, all together and in another order. Healed at once.',
    cards: 6,
    draw: (random) => ({
      target: random.pick(publishers),
      durationMs: 0,
      how: { copies: random.between(1, 3), messages: random.between(5, 80), order: random.between(0, 1_000_000) },
    }),
    claims: (target) => ['rabbitmq', `messages of ${target}`],
    inject: async (rig, fault) => {
      const rows = await readFrom<{ type: string; body: string }>(rig, fault.target as 'order', {
        sql: RECENT,
        values: [numberIn(fault, 'messages')],
      })
      const copies = Array.from({ length: numberIn(fault, 'copies') }, () => rows).flat()
      const random = randomFrom(numberIn(fault, 'order'))
      await publishAll(
        rig,
        random.shuffle(copies).map(({ type, body }) => ({
          exchange: `micromart.${type.split('.')[1] ?? ''}`,
          key: type,
          body,
        })),
      )
      return {
        did: `${copies.length} messages once more`,
        heal: nothingToHeal,
        recoveryFrom: 'fault',
        instances: [],
      }
    },
  },
  {
    name: 'poison-message',
    meaning: 'A queue gets something that is no message. Healed when it lies with the dead letters and is discarded.',
    cards: 3,
    ...badMessage(poison),
  },
  {
    name: 'future-message',
    meaning: "A queue gets a message of tomorrow's schema. Healed when it lies with the dead letters and is discarded.",
    cards: 3,
    ...badMessage(fromTheFuture),
  },
]
