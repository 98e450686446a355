import type { Rig } from '../rig/rig.ts'
import { nothingToHeal, type RigFault } from './fault.ts'
import { asSuperuser } from './sql.ts'

const claimsItself = (target: string) => [target]
const server = (name: string, least: number, most: number): Pick<RigFault, 'draw' | 'claims'> => ({
  draw: (random) => ({ target: name, durationMs: random.between(least, most) }),
  claims: claimsItself,
})

const backends = ({ instances }: Rig) => instances.filter(({ service }) => service !== 'gateway').map(({ id }) => id)

const crashPostgres = (signal: 'SIGQUIT' | 'SIGKILL'): Pick<RigFault, 'inject'> => ({
  inject: async (rig) => {
    await rig.postgres.crash(signal)
    return {
      did: `postmaster ended by ${signal}`,
      heal: () => rig.postgres.start(),
      recoveryFrom: 'healing',
      instances: backends(rig),
    }
  },
})

const TERMINATE = `
  SELECT count(pg_terminate_backend(pid))::int AS count FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()`

export const serverFaults: readonly RigFault[] = [
  {
    name: 'postgres-stop',
    meaning: "PostgreSQL's immediate shutdown, and a start. Healed when it takes connections.",
    cards: 1,
    hitsAll: true,
    ...server('postgres', 0, 1_500),
    ...crashPostgres('SIGQUIT'),
  },
  {
    name: 'postgres-kill',
    meaning: 'kill -9 of the postmaster, and a start. Healed when it takes connections.',
    cards: 1,
    hitsAll: true,
    ...server('postgres', 0, 1_500),
    ...crashPostgres('SIGKILL'),
  },
  {
    name: 'disk-full',
    meaning: 'The disk of the database is full. Healed when there is room again and the server runs.',
    cards: 1,
    hitsAll: true,
    ...server('postgres', 500, 4_000),
    unavailable: ({ disk }) => disk.unavailable,
    inject: async (rig) => {
      await rig.disk.fill()
      return {
        did: 'no byte left',
        heal: async () => {
          await rig.disk.free()
          await rig.postgres.start() // without room for its log it ends itself
        },
        recoveryFrom: 'healing',
        instances: backends(rig),
      }
    },
  },
  {
    name: 'terminate-backends',
    meaning: 'The database ends all connections of a service. Healed at once: it takes new ones.',
    cards: 4,
    draw: (random, { services }) => ({
      target: random.pick(services.filter((name) => name !== 'gateway')),
      durationMs: 0,
    }),
    claims: (target) => ['postgres', `backends of ${target}`],
    inject: async (rig, { target }) => {
      const [row] = await asSuperuser<{ count: number }>(rig, TERMINATE, [`micromart-${target}`])
      return {
        did: `${row?.count ?? 0} connections ended`,
        heal: nothingToHeal,
        recoveryFrom: 'fault',
        instances: rig.instances.filter(({ service }) => service === target).map(({ id }) => id),
      }
    },
  },
  {
    name: 'rabbitmq-kill',
    meaning: 'kill -9 of RabbitMQ, and a start. Healed when it takes connections.',
    cards: 1,
    hitsAll: true,
    ...server('rabbitmq', 0, 1_000),
    inject: async (rig) => {
      await rig.rabbitMq.kill()
      const start = () => rig.rabbitMq.start().then(() => rig.noteServers())
      return { did: 'killed', heal: start, recoveryFrom: 'healing', instances: backends(rig) }
    },
  },
  {
    name: 'rabbitmq-stop-app',
    meaning: 'rabbitmqctl stop_app and start_app. Healed when the application is started.',
    cards: 1,
    hitsAll: true,
    ...server('rabbitmq', 0, 1_000),
    inject: async (rig) => {
      await rig.rabbitMq.control('stop_app')
      const start = () => rig.rabbitMq.control('start_app')
      return { did: 'application stopped', heal: start, recoveryFrom: 'healing', instances: backends(rig) }
    },
  },
  {
    name: 'rabbitmq-close-connections',
    meaning: 'RabbitMQ closes every connection. Healed at once: it takes new ones.',
    cards: 2,
    hitsAll: true,
    ...server('rabbitmq', 0, 0),
    inject: async (rig) => {
      await rig.rabbitMq.control('close_all_connections', 'campaign')
      return { did: 'all closed', heal: nothingToHeal, recoveryFrom: 'fault', instances: backends(rig) }
    },
  },
  {
    name: 'redis-kill',
    meaning: 'kill -9 of Redis, which keeps nothing, and a start. Healed when it answers.',
    cards: 3,
    ...server('redis', 0, 2_000),
    inject: async (rig) => {
      await rig.redis.kill()
      const start = () => rig.redis.start().then(() => rig.noteServers())
      return { did: 'killed', heal: start, recoveryFrom: 'healing', instances: ofUser(rig) }
    },
  },
  {
    name: 'redis-flush',
    meaning: 'Redis forgets everything (FLUSHALL). Healed at once.',
    cards: 2,
    ...server('redis', 0, 0),
    inject: async (rig) => {
      await rig.redis.flushAll()
      return { did: 'all forgotten', heal: nothingToHeal, recoveryFrom: 'fault', instances: ofUser(rig) }
    },
  },
]

const ofUser = ({ instances }: Rig) => instances.filter(({ service }) => service === 'user').map(({ id }) => id)
