import { flushCompileCache } from 'node:module'
import { broadcasts, topology } from '@micromart/contracts/topology'
import { systemClock } from '@micromart/kernel/clock'
import { uuidV7 } from '@micromart/kernel/ids'
import { createRabbitMqBroker } from '@micromart/messaging/rabbitmq-broker'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import { createLogger, type Logger, levelOf } from '@micromart/telemetry/logger'
import { Argument, Command } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { Fault } from '../fault.ts'
import { askedToStop } from '../start/asked-to-stop.ts'
import { type LastWords, lastWordsIn } from '../start/last-words.ts'
import { loadService } from '../start/services.ts'

const AMQP = /^amqps?:\/\//

export const serveCommand = ({ environment }: CliContext): Command =>
  new Command('serve')
    .description('run one service, configured by environment variables, as a container does')
    .addArgument(new Argument('<service>', 'which one').choices(['gateway', ...serviceNames]))
    .addHelpText(
      'after',
      '\nThe variables of each service are listed in its README. SIGTERM drains (DRAIN_MS) and stops it.',
    )
    .action(async (name: 'gateway' | ServiceName) => {
      const log = createLogger({ service: name, level: levelOf(environment['LOG_LEVEL']) })
      const lastWords = lastWordsIn(log)
      try {
        await serve(name, { environment, log, lastWords })
      } finally {
        if (process.connected) process.disconnect?.() // an open line to the supervisor would keep the process alive
      }
    })

interface Serving {
  readonly environment: CliContext['environment']
  readonly log: Logger
  readonly lastWords: LastWords
}

interface Served {
  drain(): Promise<void>
  close(): Promise<void>
}

/** For the supervisor: `waiting` while a start waits for a store, so that it waits too. One that has gone hears nothing; that it has gone ends this process in order. */
const tell = (state: 'waiting' | 'ready') => {
  if (process.connected) process.send?.(state, undefined, {}, () => {})
}

async function serve(name: 'gateway' | ServiceName, serving: Serving) {
  const { environment, log, lastWords } = serving
  const rereadsRoutes = name === 'gateway' && (environment['ROUTES_FILE'] ?? '') !== ''
  const asked = askedToStop({ hangUpStops: !rereadsRoutes }) // or left without a supervisor
  const leaving = new AbortController()
  void asked.then(() => leaving.abort())
  const served = await start(name, serving, leaving.signal).catch((error: unknown) => {
    if (leaving.signal.aborted) return log.info({ err: error }, 'told to end before it could start')
    lastWords.say('process.start-failed', error)
    throw error
  })
  if (!served) return
  tell('ready')
  flushCompileCache() // not only at an orderly end, which a killed process never has
  try {
    if ((await asked).by === 'SIGTERM') await served.drain()
    await served.close()
  } catch (error) {
    lastWords.say('process.stop-failed', error)
    throw error
  }
}

async function start(name: 'gateway' | ServiceName, serving: Serving, leaving: AbortSignal): Promise<Served> {
  if (name !== 'gateway') return serveOne(name, serving, leaving)
  const { serveGateway } = await import('@micromart/gateway/main')
  return serveGateway(serving, () => serveOneGateway(serving))
}

/** Without RabbitMQ it works too, and hears of nothing. */
async function serveOneGateway({ environment, log }: Serving): Promise<Served> {
  const { gateway } = await import('@micromart/gateway/main')
  const url = environment['BROKER_URL'] ?? ''
  const broker = AMQP.test(url) ? createRabbitMqBroker({ url, topology, broadcasts, log }) : undefined
  try {
    const door = await gateway.start({ environment, log, clock: systemClock, ids: uuidV7(systemClock), broker })
    return { drain: door.drain, close: () => door.close().then(() => broker?.close()) }
  } catch (error) {
    await broker?.close()
    throw error
  }
}

async function serveOne(name: ServiceName, { environment, log }: Serving, leaving: AbortSignal): Promise<Served> {
  const url = environment['BROKER_URL'] ?? ''
  if (!AMQP.test(url)) throw new Fault('Set BROKER_URL to amqp://…: services in separate processes meet at RabbitMQ.')
  const [{ runService }, definition] = await Promise.all([
    import('@micromart/service-kit/run-service'),
    loadService[name](),
  ])
  const broker = createRabbitMqBroker({ url, topology, broadcasts, log })
  try {
    const service = await runService(definition, {
      environment,
      broker,
      log,
      leaving,
      onWaiting: () => tell('waiting'),
    })
    return { drain: service.drain, close: () => service.close().then(() => broker.close()) }
  } catch (error) {
    await broker.close()
    throw error
  }
}
