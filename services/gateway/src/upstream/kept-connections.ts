import { Connection } from './connection.ts'
import { type Asker, type Conversation, failureOf, type Question, type Transport } from './transport.ts'

export interface KeptConnectionsOptions {
  /** At the same time; who asks when all are busy waits for the next that is free. */
  readonly most: number
  /** One that was not used for so long is closed. */
  readonly idleMs: number
  readonly connectTimeoutMs: number
  readonly now?: () => number
}

const systemNow = () => performance.now()

/**
 * Questions that are whole, each on a connection of its own for as long as it takes, over plain HTTP/1.1. The one used last is used next,
 * so that no more stay open than are needed. Does nothing that the forwarding does itself: no deadlines, no second try, no redirects.
 */
export function keptConnections(url: URL, options: KeptConnectionsOptions): Transport {
  const { most, idleMs, connectTimeoutMs, now = systemNow } = options
  const address = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) }
  const idle: Connection[] = []
  const waiting: WaitingQuestion[] = []
  let open = 0
  let sweeping: NodeJS.Timeout | undefined
  let closed: (() => void) | undefined

  const openOne = (): Connection => {
    open += 1
    return new Connection({
      ...address,
      hostHeader: url.host,
      connectTimeoutMs,
      owner: { onFree, onUnsent: ask, onGone },
    })
  }

  const next = (): WaitingQuestion | undefined => {
    for (;;) {
      const first = waiting.shift()
      if (!first?.isGivenUp) return first
    }
  }

  const onFree = (connection: Connection) => {
    const first = next()
    if (first) return connection.carry(first.question, first.asker)
    if (closed) return connection.close()
    connection.idleSinceMs = now()
    idle.push(connection)
    sweeping ??= setTimeout(sweep, idleMs).unref()
  }

  const onGone = (connection: Connection) => {
    open -= 1
    const at = idle.indexOf(connection)
    if (at >= 0) idle.splice(at, 1)
    const first = next()
    if (first) openOne().carry(first.question, first.asker)
    else if (open === 0) closed?.()
  }

  /** Those that were not used lately are at the front. */
  const sweep = () => {
    sweeping = undefined
    const before = now() - idleMs
    while (idle[0] && idle[0].idleSinceMs <= before) idle.shift()?.close()
    if (idle[0]) sweeping = setTimeout(sweep, idle[0].idleSinceMs - before).unref()
  }

  const takeIdle = (): Connection | undefined => {
    const last = idle.at(-1)
    return last && last.idleSinceMs > now() - idleMs ? idle.pop() : undefined
  }

  const ask: Transport['ask'] = (question, asker) => {
    if (closed)
      return asker.onFailed(failureOf('ECLOSED', 'This instance is not asked any more', { syscall: 'connect' }))
    const connection = takeIdle() ?? (open < most ? openOne() : undefined)
    if (connection) return connection.carry(question, asker)
    const place = new WaitingQuestion(question, asker)
    waiting.push(place)
    asker.onAsked(place)
  }

  return {
    ask,
    close: () =>
      new Promise<void>((resolve) => {
        closed = resolve
        clearTimeout(sweeping)
        for (const connection of idle.splice(0)) connection.close()
        if (open === 0) resolve()
      }),
  }
}

class WaitingQuestion implements Conversation {
  readonly question: Question
  readonly asker: Asker
  readonly isPaused = false
  isGivenUp = false

  constructor(question: Question, asker: Asker) {
    this.question = question
    this.asker = asker
  }

  pause(): void {}

  resume(): void {}

  giveUp(): void {
    this.isGivenUp = true
  }
}
