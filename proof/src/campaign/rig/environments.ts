import { gatewayEnvironment, type Installation, serviceEnvironment } from '@micromart/cli/start/environment'
import { unlimited } from '../../unlimited.ts'
import type { LinkName, Links, Place } from './links.ts'

/** Waits short enough for every order to come to its end within a minute, whatever happens to it. */
const TIMES: Readonly<Record<string, string>> = {
  ORDER_STOCK_TIMEOUT_MS: '45000',
  ORDER_PAYMENT_TIMEOUT_MS: '30000',
  INVENTORY_HOLD_MS: '60000',
  PAYMENT_RECONCILE_MS: '2000',
  SANDBOX_SLOW_MS: '1000',
  SANDBOX_LATE_MS: '1000',
  // several instances behind one address: they drain as the second of two would
  DRAIN_MS: '2000',
  // the campaign's staff mistype on purpose
  USER_SIGN_IN_FAILURES: '1000',
}

/** What one process is told: everything it talks to is behind a proxy of its own. */
export function environmentOf(
  { id, service, httpPort, grpcPort }: Place,
  { installation, links }: { installation: Installation; links: Links },
): Record<string, string | undefined> {
  const common = { LOG_LEVEL: 'warn', PORT: String(httpPort), GRPC_PORT: String(grpcPort) }
  const redis = () => ({ REDIS_URL: `redis://127.0.0.1:${links.portOf(`${id}>redis`)}` })
  if (service === 'gateway') return { ...gatewayEnvironment(installation), ...common, ...unlimited, ...redis() }
  const through = (url: string, link: LinkName) => {
    const moved = new URL(url)
    moved.port = String(links.portOf(link))
    return moved.href
  }
  return {
    ...serviceEnvironment(service, installation),
    ...TIMES,
    ...common,
    DATABASE_URL: through(installation.databases[service], `${id}>postgres`),
    BROKER_URL: through(installation.brokerUrl, `${id}>rabbitmq`),
    ...(service === 'user' ? redis() : {}),
    ...(service === 'payment'
      ? {
          SANDBOX_DATABASE_URL: through(installation.databases.sandbox, `${id}>provider`),
          SELF_URL: `http://127.0.0.1:${links.portOf('provider>payment')}`,
        }
      : {}),
  }
}
