import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { accountLife } from './account-life.ts'
import { createAccounts } from './accounts.ts'
import { argon2Passwords } from './adapters/argon2-passwords.ts'
import { joseTokens } from './adapters/jose-tokens.ts'
import { mailThrottle } from './adapters/mail-throttle.ts'
import { memorySignInThrottle } from './adapters/memory-sign-in-throttle.ts'
import { postgresApiKeys } from './adapters/postgres-api-keys.ts'
import { postgresOpenAccounts } from './adapters/postgres-open-accounts.ts'
import { postgresSecurityLog } from './adapters/postgres-security-log.ts'
import { postgresSessions } from './adapters/postgres-sessions.ts'
import { postgresSigningKeys } from './adapters/postgres-signing-keys.ts'
import { postgresUsers } from './adapters/postgres-users.ts'
import { redisSignInThrottle } from './adapters/redis-sign-in-throttle.ts'
import { createApiKeys } from './api-keys.ts'
import { checkRedisUrl, type UserConfig } from './config.ts'
import { LINK_WINDOW_MS, MOST_LINKS } from './domain/account-link.ts'
import { DEMO_PASSWORD, ensureAccounts, firstAccounts } from './first-accounts.ts'
import { apiKeyRoutes } from './http/api-key-routes.ts'
import { authRoutes } from './http/auth-routes.ts'
import { prover } from './http/own-account.ts'
import { securityLogRoutes } from './http/security-log-routes.ts'
import { sessionRoutes } from './http/session-routes.ts'
import { signingKeyRoutes } from './http/signing-key-routes.ts'
import { userRoutes } from './http/user-routes.ts'
import { openKeyRing } from './key-ring.ts'
import type { SignInThrottle, Tokens, Users } from './ports.ts'
import { reauthentication } from './reauthenticate.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createEntrance } from './sign-in.ts'
import type { SignInChallenges } from './sign-in-challenges.ts'
import { openDoors, secondFactorsOn } from './ways-in.ts'

/** The user service on any parts: accounts behind HTTP, contacts behind gRPC. */
export async function userService(parts: ServiceParts<UserConfig>): Promise<BuiltService> {
  const { config, database, clock, ids, log, http, write, audit } = parts
  checkRedisUrl(config)
  const wanted = firstAccounts(config)
  const users = postgresUsers({ database, clock })
  const [passwords, ring] = await Promise.all([argon2Passwords(), keyRingOn(parts)])
  const tokens = joseTokens({ ring, clock, ids, ttlS: config.USER_TOKEN_TTL_S })
  await ensureAccounts(wanted, { database, users, passwords, ids })
  if (config.USER_DEMO_ACCOUNTS)
    log.warn(`DEMO ACCOUNTS are open to anyone who knows the password ${DEMO_PASSWORD}: for development only`)
  const signIns = attempts(parts, { mostFailures: config.USER_SIGN_IN_FAILURES })
  const mails = attempts(parts, {
    mostFailures: MOST_LINKS,
    windowMs: LINK_WINDOW_MS,
    prefix: 'micromart:account-mail:',
  })
  const sessions = sessionsOn(parts, { users, tokens })
  const keys = createApiKeys({ ...parts, store: postgresApiKeys(database), users, tokens })
  const ended = async () => (await Promise.all([sessions.ended(), keys.ended()])).flat()
  const strong = await secondFactorsOn(parts)
  const own = {
    ...{ ended, users, exchangeKey: keys.exchange },
    ...{ passwords, throttle: signIns.throttle, mailThrottle: mailThrottle(mails.throttle) },
    sessions: endingChallengesToo(sessions, strong.challenges),
  }
  const { queries, subscription, timerHandlers, askForAccount, ...life } = accountLife(parts, own)
  const needsVerifiedEmail = config.USER_SIGN_IN_NEEDS_VERIFIED_EMAIL
  const accounts = createAccounts({ ...own, ...life, needsVerifiedEmail, ids, database, audit })
  const entrance = createEntrance({ database, accounts, users, sessions, ...strong })
  const reauthenticate = reauthentication({ ...parts, ...own, accounts: postgresOpenAccounts(database) })
  const doors = openDoors(parts, { entrance, reauthenticate, secondFactors: strong.secondFactors })
  authRoutes(http, {
    ...{ accounts, entrance, sessions, passwords, write },
    askForAccount: needsVerifiedEmail ? askForAccount : undefined,
  })
  sessionRoutes(http, { sessions, prove: prover(reauthenticate) })
  signingKeyRoutes(http, { ring, tokens, clock })
  userRoutes(http, { users, write, audit, sessions })
  apiKeyRoutes(http, { keys, write })
  securityLogRoutes(http, { securityLog: postgresSecurityLog(database) })
  return {
    queries,
    subscription,
    timerHandlers,
    keepHouse: async () => {
      await sessions.keepHouse()
      await doors.keepHouse()
      await keys.keepHouse()
    },
    close: async () => {
      await doors.close()
      ring.close()
      signIns.close()
      mails.close()
    },
  }
}

/** Whoever puts out all devices means those too that are about to come in. */
const endingChallengesToo = (sessions: Sessions, challenges: SignInChallenges): Sessions => ({
  ...sessions,
  endAll: async (tx, userId, exceptId) => {
    challenges.endAll(tx, userId)
    await sessions.endAll(tx, userId, exceptId)
  },
})

const DAY_MS = 86_400_000
/** A token that was signed at the last moment, by an instance that has not looked for a while, by a clock that is wrong. */
const KEY_SLACK_MS = 600_000

const keyRingOn = ({ config, database, clock, audit, log }: ServiceParts<UserConfig>) =>
  openKeyRing({
    ...{ database, audit, clock, log, store: postgresSigningKeys({ database, clock }) },
    limits: {
      rotateEveryMs: config.USER_KEY_ROTATE_DAYS * DAY_MS,
      aheadMs: config.USER_KEY_AHEAD_S * 1_000,
      keptMs: config.USER_TOKEN_TTL_S * 1_000 + KEY_SLACK_MS,
    },
  })

function sessionsOn(parts: ServiceParts<UserConfig>, { users, tokens }: { users: Users; tokens: Tokens }): Sessions {
  const { config, database, clock, ids, audit, outbox } = parts
  const limits = {
    idleMs: config.USER_SESSION_IDLE_DAYS * DAY_MS,
    longestMs: config.USER_SESSION_DAYS * DAY_MS,
    retryMs: config.USER_REFRESH_RETRY_S * 1_000,
    accessTokenMs: config.USER_TOKEN_TTL_S * 1_000,
    recentMs: config.USER_RECENT_SIGN_IN_S * 1_000,
  }
  return createSessions({
    ...{ database, users, tokens, audit, clock, ids, outbox, limits },
    store: postgresSessions(database),
  })
}

/** Counts attempts for all instances together where there is a Redis. */
function attempts(
  { config: { REDIS_URL: url }, clock, log }: ServiceParts<UserConfig>,
  limits: { mostFailures: number; windowMs?: number; prefix?: string },
): { throttle: SignInThrottle; close(): void } {
  const memory = memorySignInThrottle({ clock, ...limits })
  if (url === '') return { throttle: memory, close: () => {} }
  const throttle = redisSignInThrottle({ url, ...limits, fallback: memory, log })
  return { throttle, close: () => throttle.close() }
}
