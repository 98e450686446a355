import { type ServiceName, serviceNames } from '@micromart/service-kit/service'
import type { DatabaseUrls } from './databases.ts'
import type { Ports } from './ports.ts'
import type { Secrets } from './secrets.ts'

export interface Installation {
  /** One for each instance. */
  readonly ports: readonly Ports[]
  readonly databases: DatabaseUrls
  readonly secrets: Secrets
  readonly brokerUrl: string
  /** What the person has set: it wins. */
  readonly given: Readonly<Record<string, string | undefined>>
}

const at = (port: number) => `http://127.0.0.1:${port}`

/** So long a service with a twin answers on when it is told to end: more than the gateway keeps an idle connection. */
const DRAIN_MS = 2_000

/** The same port of every instance, as a list of URLs. */
const everywhere = (ports: readonly Ports[], portOf: (ports: Ports) => number, path = '') =>
  ports.map((each) => `${at(portOf(each))}${path}`).join(',')

/** What all services of a development installation are told. */
function shared({ ports, secrets, brokerUrl }: Installation): Record<string, string> {
  return {
    MICROMART_ENV: 'development',
    BROKER_URL: brokerUrl,
    INTERNAL_TOKEN: secrets.of('internal token'),
    DRAIN_MS: String(ports.length > 1 ? DRAIN_MS : 0),
    JWKS_URL: everywhere(ports, ({ http }) => http.user, '/.well-known/jwks.json'),
    PUBLIC_URL: at(ports[0]?.gateway ?? 0),
    USER_GRPC_URL: everywhere(ports, ({ grpc }) => grpc.user),
    CART_GRPC_URL: everywhere(ports, ({ grpc }) => grpc.cart),
    PRODUCT_GRPC_URL: everywhere(ports, ({ grpc }) => grpc.product),
    ORDER_GRPC_URL: everywhere(ports, ({ grpc }) => grpc.order),
    PAYMENT_GRPC_URL: everywhere(ports, ({ grpc }) => grpc.payment),
    NOTIFICATION_GRPC_URL: everywhere(ports, ({ grpc }) => grpc.notification),
  }
}

const own: Partial<Record<ServiceName, (installation: Installation) => Record<string, string>>> = {
  user: ({ secrets }) => ({ USER_DEMO_ACCOUNTS: 'true', USER_SECRETS_KEY: secrets.of('user secrets') }),
  payment: ({ databases, secrets }) => ({
    SANDBOX_DATABASE_URL: databases.sandbox,
    SANDBOX_WEBHOOK_SECRET: secrets.of('sandbox webhook'),
  }),
  notification: () => ({ MAIL_URL: 'mailbox:' }),
}

/** The environment of one instance of a service: its own database and ports, and where the others are. */
export function serviceEnvironment(
  name: ServiceName,
  installation: Installation,
  instance = 0,
): Record<string, string | undefined> {
  const { databases, given } = installation
  const ports = portsOf(installation, instance)
  return {
    ...shared(installation),
    ...own[name]?.(installation),
    ...given,
    PORT: String(ports.http[name]),
    GRPC_PORT: String(ports.grpc[name]),
    SELF_URL: at(ports.http[name]),
    DATABASE_URL: databases[name],
  }
}

export function gatewayEnvironment(installation: Installation, instance = 0): Record<string, string | undefined> {
  const { ports, given } = installation
  const upstreams = serviceNames.map((name) => [
    `${name.toUpperCase()}_URL`,
    everywhere(ports, ({ http }) => http[name]),
  ])
  const own = { PORT: String(portsOf(installation, instance).gateway) }
  return { ...shared(installation), ...Object.fromEntries(upstreams), ...given, ...own }
}

function portsOf({ ports }: Installation, instance: number): Ports {
  const own = ports[instance]
  if (!own) throw new RangeError(`There are no ports for instance ${instance}`)
  return own
}
