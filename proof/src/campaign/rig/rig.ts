import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { type DatabaseUrls, databaseUrls, ensureDatabases } from '@micromart/cli/start/databases'
import type { Installation } from '@micromart/cli/start/environment'
import { openSecrets } from '@micromart/cli/start/secrets'
import { serviceNames } from '@micromart/service-kit/service'
import { freePorts } from '@micromart/testkit/free-ports'
import { type RabbitMqNode, startRabbitMqNode } from '@micromart/testkit/rabbitmq-node'
import { type RedisServer, startRedisServer } from '@micromart/testkit/redis-server'
import { environmentOf } from './environments.ts'
import { createInstance, type Instance } from './fleet.ts'
import { endLeftovers, forgetServers, noteServers } from './leftovers.ts'
import { asked, type Links, linkPlans, openLinks } from './links.ts'
import { type PostgresServer, startPostgresServer } from './postgres-server.ts'
import { rabbitMqPort } from './rabbitmq-port.ts'
import { placesOf, processNames } from './shape.ts'
import { openSmallDisk, type SmallDisk } from './tmpfs.ts'

/** The shop in the split shape on servers of its own, every line of it through a fault proxy. */
export interface Rig {
  /** Where shoppers go. */
  readonly url: string
  readonly dir: string
  readonly postgres: PostgresServer
  readonly rabbitMq: RabbitMqNode
  readonly redis: RedisServer
  readonly disk: SmallDisk
  readonly links: Links
  readonly instances: readonly Instance[]
  /** Past all proxies, for the checks. */
  readonly databases: DatabaseUrls
  readonly webhookSecret: string
  /** Writes down which servers run, so that they can be ended should this program die. */
  noteServers(): void
  /** Stops everything. The data stay for another start when `keep` is true. */
  close(keep: boolean): Promise<void>
}

export interface RigOptions {
  readonly dir: string
  /** Processes of each service; the gateway too. */
  readonly instances: number
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly onProgress: (line: string) => void
}

/** What this machine lacks for a campaign, in one sentence. */
export class CannotRun extends Error {}

/** Starts it on what an earlier run on this directory has left, or anew. @throws CannotRun */
export async function startRig(options: RigOptions): Promise<Rig> {
  const { dir, onProgress } = options
  mkdirSync(dir, { recursive: true })
  endLeftovers(dir)
  const closers: (() => Promise<unknown> | unknown)[] = []
  const closeAll = async () => {
    for (const close of closers.splice(0).reverse()) await close()
  }
  let disk: Servers['disk'] | undefined
  try {
    const servers = await startServers(options, closers)
    disk = servers.disk
    onProgress('Servers: PostgreSQL, RabbitMQ and Redis of its own are running')
    const fleet = await startFleet(options, servers, closers)
    onProgress(`Services: ${fleet.instances.length} processes behind ${fleet.links.names.length} fault proxies`)
    return {
      ...servers,
      ...fleet,
      dir,
      noteServers: () => noteServers(dir, leftoversOf(servers)),
      close: async (keep) => {
        await healAll(fleet)
        await closeAll()
        forgetServers(dir)
        if (keep) await servers.disk.keep()
        else await servers.disk.remove()
      },
    }
  } catch (error) {
    await closeAll()
    await disk?.keep() // a disk that stays mounted would be in everybody's way
    throw error
  }
}

/** Who is frozen or cut off could not end in order. */
async function healAll({ instances, links }: Pick<Rig, 'instances' | 'links'>) {
  for (const name of links.names) await links.get(name).heal()
  for (const instance of instances) instance.signal('SIGCONT')
}

const KEPT = 'postgres-kept'

type Servers = Pick<Rig, 'postgres' | 'rabbitMq' | 'redis' | 'disk'>

async function startServers({ dir }: RigOptions, closers: (() => unknown)[]): Promise<Servers> {
  const [postgresPort = 0, redisPort = 0] = await freePorts(2)
  const rabbitMq = await startRabbitMqNode(await rabbitMqPort(dir), { dir: join(dir, 'rabbitmq') })
  if ('unavailable' in rabbitMq) throw new CannotRun(rabbitMq.unavailable)
  closers.push(() => rabbitMq.close())
  const redis = await startRedisServer(redisPort)
  if ('unavailable' in redis) throw new CannotRun(redis.unavailable)
  closers.push(() => redis.kill())
  const disk = await openSmallDisk(join(dir, 'postgres'), join(dir, KEPT))
  const postgres = await startPostgresServer({ dataDir: join(dir, 'postgres', 'data'), port: postgresPort })
  closers.push(() => postgres.stop())
  return { postgres, rabbitMq, redis, disk }
}

const leftoversOf = ({ rabbitMq, redis }: Servers) => [
  { pid: rabbitMq.pid() ?? 0, mark: new URL(rabbitMq.url).port },
  { pid: redis.pid() ?? 0, mark: String(redis.port) },
]

async function startFleet(
  { dir, environment, instances: count, onProgress }: RigOptions,
  servers: Servers,
  closers: (() => unknown)[],
): Promise<Pick<Rig, 'url' | 'links' | 'instances' | 'databases' | 'webhookSecret'>> {
  const secrets = openSecrets(dir)
  await ensureDatabases(servers.postgres.url, secrets)
  const databases = databaseUrls(servers.postgres.url, secrets)
  const ports = await freePorts(2 * count * processNames.length)
  const places = placesOf(count, (index) => ports[index] ?? 0)
  const plans = linkPlans(places, {
    postgres: servers.postgres.port,
    rabbitmq: Number(new URL(servers.rabbitMq.url).port),
    redis: servers.redis.port,
  })
  const links = await openLinks(plans, await freePorts(plans.length))
  closers.push(() => links.close())
  const installation = installationBehind(links, { databases, secrets, brokerUrl: servers.rabbitMq.url })
  const log = openSync(join(dir, 'services.log'), 'a')
  closers.push(() => closeSync(log))
  const instances = places.map((place) =>
    createInstance({
      ...place,
      environment: { ...environment, ...environmentOf(place, { installation, links }) },
      log,
      dir,
      onProgress,
    }),
  )
  closers.push(() => Promise.all(instances.map(({ supervised }) => supervised.stop())))
  // one of each first: two that migrate the same database would only wait for each other
  for (const turn of Array.from({ length: count }, (_, index) => index + 1))
    await Promise.all(instances.filter(({ number }) => number === turn).map(({ supervised }) => supervised.start()))
  const url = `http://127.0.0.1:${links.portOf('shoppers>gateway')}`
  return { url, links, instances, databases, webhookSecret: secrets.of('sandbox webhook') }
}

/** The addresses that services are told: always a proxy's. */
function installationBehind(
  links: Links,
  parts: Pick<Installation, 'databases' | 'secrets' | 'brokerUrl'>,
): Installation {
  const http = Object.fromEntries(serviceNames.map((name) => [name, links.portOf(`everyone>${name}`)]))
  const grpc = Object.fromEntries(asked.map((name) => [name, links.portOf(`queries>${name}`)]))
  const ports = { gateway: links.portOf('shoppers>gateway'), http, grpc } as Installation['ports'][number]
  return { ...parts, ports: [ports], given: {} }
}
