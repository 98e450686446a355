import type { Caller, VerifyToken } from '@micromart/http-kit/identity'
import { kitProblem } from '@micromart/http-kit/problem'
import { backOffMs, createWakeable } from '@micromart/postgres/wakeable'
import type { Logger } from '@micromart/telemetry/logger'

export interface EndedSession {
  /** What its access tokens carry as `sid`; or the id of an API key that was revoked. */
  readonly sessionId: string
  /** RFC 3339: no access token of it is good after this. */
  readonly tokensExpireAt: string
}

/** Sessions that are over although access tokens of theirs have not expired. */
export interface EndedSessions {
  has(caller: Caller): boolean
  note(sessions: readonly EndedSession[]): void
  /** Something may have been missed: asks for the list. */
  reload(): void
  /** The list was asked for once, with or without success. */
  readonly ready: Promise<void>
  readonly size: () => number
  close(): Promise<void>
}

/** How often the list is asked for, to be sure; and while nobody would say what ends. */
const RELOAD_MS = 60_000
const UNHEARD_RELOAD_MS = 2_000
const LONGEST_AWAY_MS = 5_000

/**
 * Hears of each end as it happens and asks for the list at the start, after each time of not hearing, and once a minute. While user is
 * away nobody can end a session either; a gateway that starts then knows of none until user is back.
 */
export function createEndedSessions(options: {
  list: () => Promise<readonly EndedSession[]>
  isHearing: () => boolean
  /** In ms since 1970. */
  now: () => number
  log: Logger
}): EndedSessions {
  const { list, isHearing, now, log } = options
  const ends = new Map<string, number>()
  const wakeable = createWakeable()
  const { promise: ready, resolve: setReady } = Promise.withResolvers<void>()
  let closing = false
  let failures = 0

  const note = (sessions: readonly EndedSession[]) => {
    for (const { sessionId, tokensExpireAt } of sessions) ends.set(sessionId, Date.parse(tokensExpireAt))
  }

  const forget = () => {
    const at = now()
    for (const [sessionId, untilMs] of ends) if (untilMs < at) ends.delete(sessionId)
  }

  const load = async () => {
    try {
      note(await list())
      failures = 0
    } catch (err) {
      failures += 1
      if (failures === 1) log.warn({ err }, 'ended sessions cannot be asked for; trying again')
    }
  }

  const pauseMs = () => {
    if (failures > 0) return backOffMs(failures, { mostMs: LONGEST_AWAY_MS })
    return isHearing() ? RELOAD_MS : UNHEARD_RELOAD_MS
  }

  const run = async () => {
    while (!closing) {
      await load()
      setReady()
      forget()
      if (!closing) await wakeable.pause(pauseMs())
    }
  }

  const running = run()
  return {
    has: (caller) => {
      const id = idOf(caller)
      return id !== undefined && ends.has(id)
    },
    note,
    reload: wakeable.wake,
    ready,
    size: () => ends.size,
    close: async () => {
      closing = true
      wakeable.wake()
      await running
    },
  }
}

function idOf(caller: Caller): string | undefined {
  if (caller.kind === 'user') return caller.sessionId
  return caller.kind === 'machine' ? caller.keyId : undefined
}

/** Refuses tokens whose session has ended, also those that were verified before. */
export function refuseEnded(verifyToken: VerifyToken, ended: Pick<EndedSessions, 'has'>): VerifyToken {
  const live = (caller: Caller): Caller => {
    if (!ended.has(caller)) return caller
    throw kitProblem('auth.invalid-token', 'The session of this access token has ended; sign in again')
  }
  return (token) => {
    const caller = verifyToken(token)
    return caller instanceof Promise ? caller.then(live) : live(caller)
  }
}
