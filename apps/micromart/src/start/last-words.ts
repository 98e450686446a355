import type { Logger } from '@micromart/telemetry/logger'

/** Why a process ends other than it was asked to; stable, for whoever watches its log. */
type EndCode = 'process.start-failed' | 'process.stop-failed' | 'process.uncaught' | 'process.ended'

/** A process says in its log why it ends, before it does: one line with a code. */
export interface LastWords {
  say(code: EndCode, error: unknown): void
}

const sentences: Readonly<Record<EndCode, string>> = {
  'process.start-failed': 'could not start',
  'process.stop-failed': 'could not end in order',
  'process.uncaught': 'an error that nobody has caught ended this process',
  'process.ended': 'ended with nothing said about why',
}

/** From now on no end of this process is silent: errors that nobody catches are logged and end it, and so is an exit code that nobody has explained. */
export function lastWordsIn(log: Logger): LastWords {
  let isSaid = false
  const say = (code: EndCode, error: unknown) => {
    if (isSaid) return // what follows from the first is no news
    isSaid = true
    const err = error instanceof Error ? error : new Error(String(error))
    log.fatal({ err, code }, sentences[code])
  }
  process.on('uncaughtException', (error) => {
    say('process.uncaught', error)
    process.exit(1)
  })
  process.on('exit', (code) => {
    if (code !== 0) say('process.ended', new Error(`exit code ${code}`))
  })
  return { say }
}
