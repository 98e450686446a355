import { redisUrlFaults } from '@micromart/redis/redis-connection'
import { ConfigError, env } from '@micromart/service-kit/config'
import Type, { type Static } from 'typebox'
import { SHORTEST_HOUSE_WORD } from './domain/house-words.ts'

export const UserConfig = Type.Object({
  ORDER_GRPC_URL: env.urls({ description: 'gRPC addresses of order, asked for what it knows about a person' }),
  PAYMENT_GRPC_URL: env.urls({ description: 'the same of payment' }),
  NOTIFICATION_GRPC_URL: env.urls({ description: 'the same of notification' }),
  USER_TOKEN_TTL_S: env.integer({
    default: 900,
    minimum: 60,
    maximum: 86_400,
    description: 'how long an access token is good, in seconds; default a quarter of an hour',
  }),
  USER_SESSION_IDLE_DAYS: env.integer({
    default: 30,
    minimum: 1,
    maximum: 365,
    description: 'a session that is not used for so many days is over',
  }),
  USER_SESSION_DAYS: env.integer({
    default: 90,
    minimum: 1,
    maximum: 3_650,
    description: 'a session is over after so many days, however it is used',
  }),
  USER_RECENT_SIGN_IN_S: env.integer({
    default: 600,
    minimum: 60,
    maximum: 86_400,
    description: 'so many seconds after a sign-in one ends sessions without giving the password again',
  }),
  USER_REFRESH_RETRY_S: env.integer({
    default: 10,
    maximum: 60,
    description: 'so many seconds after its use a refresh token is taken once more, for its answer may have been lost',
  }),
  USER_SIGN_IN_NEEDS_VERIFIED_EMAIL: env.flag({
    default: true,
    description:
      'true: registering tells nobody whether an address has an account, and one signs in after following the mailed link; false: somebody new is signed in at once, and a known address is refused',
  }),
  USER_RESET_LINK_MINUTES: env.integer({
    default: 10,
    minimum: 5,
    maximum: 60,
    description: 'how long a mailed link is good that sets a new password, or erases what is kept of a closed account',
  }),
  USER_ERASURE_AFTER_S: env.integer({
    default: 20,
    maximum: 86_400,
    description: 'an erasure begins so many seconds after it was asked for, so that mails on their way get out',
  }),
  USER_KEY_ROTATE_DAYS: env.integer({
    default: 30,
    minimum: 1,
    maximum: 3_650,
    description: 'after so many days the next key signs access tokens',
  }),
  USER_KEY_AHEAD_S: env.integer({
    default: 3_600,
    minimum: 660,
    maximum: 604_800,
    description: 'a key is published for so many seconds before it signs: longer than anybody keeps the old list',
  }),
  USER_SIGN_IN_FAILURES: env.integer({
    default: 10,
    minimum: 1,
    description:
      'failed sign-ins of one account within 15 minutes before it has to wait; ten times as many for one client address',
  }),
  USER_FORBIDDEN_PASSWORD_WORDS: env.text({
    default: 'micromart',
    description:
      'words of the house, with commas between them: the names of shop, company, products; a password must be long enough without them',
  }),
  USER_SECRETS_KEY: env.secret({
    default: '',
    description:
      '32 bytes in base64url that the secrets of authenticator apps are sealed with; without it nobody can enrol. A new key goes in front of the old one, with a comma',
  }),
  USER_TOTP_ISSUER: env.text({
    default: 'MicroMart',
    description: 'the name of the shop as authenticator apps show it',
  }),
  USER_OIDC_PROVIDERS: env.secret({
    default: '',
    description: 'a JSON array of providers that people may sign in with, as docs/sign-in.md describes it',
  }),
  REDIS_URL: env.secret({
    default: '',
    description:
      'redis://user:password@host:port, where all instances count failed sign-ins; without it each in memory',
  }),
  STOREFRONT_URL: env.text({
    default: '',
    description: "address of the shop's pages, where the links in mails lead; default PUBLIC_URL",
  }),
  USER_ADMIN_EMAIL: env.text({
    default: '',
    description: 'address of an admin that is made at start if it is not there',
  }),
  USER_ADMIN_PASSWORD: env.secret({ default: '', description: 'its first password, at least 12 characters' }),
  USER_DEMO_ACCOUNTS: env.flag({
    default: false,
    description: 'true makes accounts with a known password at start; refused in production',
  }),
})
export type UserConfig = Static<typeof UserConfig>

/** Where the links in mails lead: from the configuration alone, whatever a request says of its host. @throws ConfigError */
export function storefrontUrl({
  STOREFRONT_URL: url,
  PUBLIC_URL,
}: UserConfig & { readonly PUBLIC_URL: string }): string {
  if (url === '') return PUBLIC_URL
  if (!URL.canParse(url) || !/^https?:\/\/[^/?#]+[^?#]*$/.test(url))
    throw new ConfigError([`STOREFRONT_URL "${url}" is not http(s)://host/path`])
  return url
}

/** In lower case. @throws ConfigError for words that half of all passwords have */
export function forbiddenWords({ USER_FORBIDDEN_PASSWORD_WORDS: text }: UserConfig): readonly string[] {
  const words = text.split(',').map((word) => word.trim().normalize('NFKC').toLowerCase())
  const given = words.filter((word) => word !== '')
  const short = given.filter((word) => [...word].length < SHORTEST_HOUSE_WORD)
  if (short.length > 0)
    throw new ConfigError([`USER_FORBIDDEN_PASSWORD_WORDS: ${short.join()} is shorter than ${SHORTEST_HOUSE_WORD}`])
  return given
}

/** @throws ConfigError; the address is not shown, for it may hold a password */
export function checkRedisUrl({ REDIS_URL: url }: UserConfig): void {
  const faults = redisUrlFaults('REDIS_URL', url)
  if (faults.length > 0) throw new ConfigError(faults)
}
