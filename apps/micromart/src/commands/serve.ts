import { broadcasts, topology } from '@micromart/contracts/topology'
import { gateway, serveGateway } from '@micromart/gateway/main'
import { systemClock } from '@micromart/kernel/clock'
import { uuidV7 } from '@micromart/kernel/ids'
import { createRabbitMqBroker } from '@micromart/messaging/rabbitmq-broker'
import { runService } from '@micromart/service-kit/run-service'
import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import { createLogger } from '@micromart/telemetry/logger'
import { Argument, Command } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { Fault } from '../fault.ts'
import { askedToStop } from '../start/asked-to-stop.ts'
import { services } from '../start/services.ts'

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
      const rereadsRoutes = name === 'gateway' && (environment['ROUTES_FILE'] ?? '') !== ''
      const asked = askedToStop({ hangUpStops: !rereadsRoutes }) // or left without a supervisor
      const log = createLogger({ service: name, level: environment['LOG_LEVEL'] ?? 'info' })
      try {
        const served =
          name === 'gateway'
            ? await serveGateway({ environment, log }, () => serveOneGateway(environment, log))
            : await serveOne(name, environment, log)
        process.send?.('ready')
        if ((await asked).by === 'SIGTERM') await served.drain()
        await served.close()
      } finally {
        if (process.connected) process.disconnect?.() // an open line to the supervisor would keep the process alive
      }
    })

/** Without RabbitMQ it works too, and hears of nothing. */
async function serveOneGateway(environment: CliContext['environment'], log: ReturnType<typeof createLogger>) {
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

async function serveOne(
  name: ServiceName,
  environment: CliContext['environment'],
  log: ReturnType<typeof createLogger>,
) {
  const url = environment['BROKER_URL'] ?? ''
  if (!AMQP.test(url)) throw new Fault('Set BROKER_URL to amqp://…: services in separate processes meet at RabbitMQ.')
  const broker = createRabbitMqBroker({ url, topology, broadcasts, log })
  try {
    const service = await runService(services[name], { environment, broker, log })
    return { drain: service.drain, close: () => service.close().then(() => broker.close()) }
  } catch (error) {
    await broker.close()
    throw error
  }
}
