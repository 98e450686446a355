import type { ServiceName } from '@micromart/service-kit/service'
import type { DatabaseUrls } from './databases.ts'
import type { Ports } from './ports.ts'
import type { Secrets } from './secrets.ts'

export interface Installation {
  readonly ports: Ports
  readonly databases: DatabaseUrls
  readonly secrets: Secrets
  readonly brokerUrl: string
  /** What the person has set: it wins. */
  readonly given: Readonly<Record<string, string | undefined>>
}

const at = (port: number) => `http://127.0.0.1:${port}`

/** What all services of a development installation are told. */
function shared({ ports, secrets, brokerUrl }: Installation): Record<string, string> {
  return {
    MICROMART_ENV: 'development',
    BROKER_URL: brokerUrl,
    INTERNAL_TOKEN: secrets.of('internal token'),
    JWKS_URL: `${at(ports.http.user)}/.well-known/jwks.json`,
    PUBLIC_URL: at(ports.gateway),
    USER_GRPC_URL: at(ports.grpc.user),
    CART_GRPC_URL: at(ports.grpc.cart),
    PRODUCT_GRPC_URL: at(ports.grpc.product),
  }
}

const own: Partial<Record<ServiceName, (installation: Installation) => Record<string, string>>> = {
  user: () => ({ USER_DEMO_ACCOUNTS: 'true' }),
  payment: ({ databases, secrets }) => ({
    SANDBOX_DATABASE_URL: databases.sandbox,
    SANDBOX_WEBHOOK_SECRET: secrets.of('sandbox webhook'),
  }),
  notification: () => ({ MAIL_URL: 'mailbox:' }),
}

/** The environment of one service: its own database and ports, and where the others are. */
export function serviceEnvironment(name: ServiceName, installation: Installation): Record<string, string | undefined> {
  const { ports, databases, given } = installation
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

export function gatewayEnvironment(installation: Installation): Record<string, string | undefined> {
  const { ports, given } = installation
  const upstreams = Object.entries(ports.http).map(([name, port]) => [`${name.toUpperCase()}_URL`, at(port)])
  return { ...shared(installation), ...Object.fromEntries(upstreams), ...given, PORT: String(ports.gateway) }
}
