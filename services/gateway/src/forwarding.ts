import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { kitProblem, ProblemError } from '@micromart/http-kit/problem'
import type { Answer, Source } from './answer.ts'
import type { Balancer, Upstream } from './balancer.ts'
import type { Deadlines, Timed } from './deadlines.ts'
import type { Ask, Work } from './exchange.ts'
import { firstOf } from './header-list.ts'
import { requestHeaders, responseHeaders } from './headers.ts'
import { hasBody, type RequestBody, requestBody, tooLarge } from './request-body.ts'
import type { Outcome } from './rotation.ts'
import { type Pass, type ServiceGuard, unavailable } from './service-guard.ts'
import { type Asker, type Conversation, isGarbage, isRefused, isReset, isUnfit } from './upstream/transport.ts'

const tooLate = () =>
  new ProblemError(504, {
    code: 'gateway.timeout',
    detail: 'The service took too long to answer; try again in a moment',
  })
const tooSlow = () => new ProblemError(408, { code: 'request.too-slow', detail: 'The request took too long to come' })
const garbage = () =>
  new ProblemError(502, { code: 'gateway.bad-upstream', detail: 'The service gave an answer that is not HTTP' })

/** What a service had begun when it died is rolled back by then. */
const ROLLED_BACK_MS = 100

const NOBODY: readonly Upstream[] = []

export interface Tools {
  readonly balancer: Balancer
  readonly deadlines: Deadlines
  readonly guard: ServiceGuard
}

/**
 * One request on its way to a service, over one instance after the other if need be. What was never sent goes to the next one; what was sent
 * and came to nothing only if it may be repeated: a read, or a write with an idempotency key, to which a service gives its first answer
 * again. It is the asker of its own questions, its own deadline and its own answer's source: one object per request and no closure.
 */
export class Forwarding implements Work, Source, Timed, Asker {
  readonly #ask: Ask
  readonly #answer: Answer
  readonly #tools: Tools
  #pass: Pass | undefined = undefined
  #body: RequestBody | undefined = undefined
  #upstream: Upstream | undefined = undefined
  #tried: readonly Upstream[] = NOBODY
  #conversation: Conversation | undefined = undefined
  #mayRepeat: boolean
  #begun = false
  /** The answer is complete or was given up: whatever is still said is of no interest. */
  #over = false
  /** Bytes that are still to come of the answer; below zero when nobody knows. */
  #left = -1

  dueAtMs = 0
  earlier: Timed | undefined = undefined
  later: Timed | undefined = undefined
  queue: Timed['queue'] = undefined

  constructor(ask: Ask, answer: Answer, tools: Tools) {
    this.#ask = ask
    this.#answer = answer
    this.#tools = tools
    this.#mayRepeat = isRead(ask.method) || ask.headers['idempotency-key'] !== undefined
  }

  start(): void {
    const { request, route, headers } = this.#ask
    const source = request !== undefined && hasBody(this.#ask) ? request : undefined
    const isTooLarge = source !== undefined && Number(headers['content-length'] ?? 0) > route.bodyLimit
    if (isTooLarge) {
      this.#answer.refuse(tooLarge())
      return
    }
    this.#tools.deadlines.start(this, route.deadlineMs)
    if (source) this.#read(source)
    else this.#enter()
  }

  /** Only now, when there is something to send: a client that trickles its body takes nobody's place at the service, or one of a few. */
  #enter(isPatient = false): void {
    if (this.#over) return
    const upload = this.#body?.hasEnded() === false ? this.#body : undefined
    if (upload && !isPatient && !this.#tools.guard.hasRoomForUpload()) {
      upload.whenReady(() => this.#enter(true), 'however slow')
      return
    }
    const { pass, refused } = this.#tools.guard.enter(upload !== undefined)
    if (refused) {
      this.#giveUp('unknown', refused)
      return
    }
    this.#pass = pass
    this.#sendTo('any')
  }

  #read(request: IncomingMessage): void {
    this.#body = requestBody(request, {
      limit: this.#ask.route.bodyLimit,
      keep: this.#mayRepeat,
      onTooLarge: () => this.#giveUp('unknown', tooLarge()),
    })
    this.#body.whenReady(() => this.#enter())
  }

  /** The client is gone. */
  cancel(): void {
    this.#giveUp('unknown', undefined)
  }

  expire(): void {
    // neither a client that is still sending nor one that reads slowly is the fault of the service
    const isClients = this.#body?.hasEnded() === false || this.#conversation?.isPaused === true
    this.#giveUp(isClients ? 'unknown' : 'failed', this.#pass ? tooLate() : tooSlow())
  }

  resume(): void {
    this.#conversation?.resume()
  }

  onAsked(conversation: Conversation): void {
    this.#conversation = conversation
  }

  onSwitched(headers: string[], socket: Duplex): void {
    if (this.#over || !this.#answer.switched) {
      socket.on('error', () => {}).destroy()
      return
    }
    this.#settle('succeeded')
    this.#tell('answered')
    this.#answer.switched(headers, socket)
  }

  onHead(status: number, headers: string[]): void {
    if (this.#over) return
    this.#begun = true
    if (firstOf(headers, 'connection') === 'close') this.#tell('goodbye')
    const length = this.#ask.method === 'HEAD' ? undefined : firstOf(headers, 'content-length')
    if (length !== undefined) this.#left = Number(length)
    this.#answer.begin(status, responseHeaders(headers), this)
  }

  onChunk(chunk: Buffer): void {
    if (this.#over) return
    this.#left -= chunk.length
    if (this.#left === 0) this.#finish(chunk)
    else if (!this.#answer.write(chunk)) this.#conversation?.pause()
  }

  onEnd(): void {
    if (!this.#over) this.#finish(undefined)
  }

  onFailed(error: Error): void {
    this.#conversation = undefined
    if (this.#over) return
    const isUnsent = isRefused(error)
    if (!this.#mayBeSentAgain(error)) {
      if (isUnsent) this.#tell('refused')
      this.#giveUp(isUnfit(error) ? 'unknown' : 'failed', problemOf(error, this.#ask))
      return
    }
    this.#tell(isUnsent ? 'refused' : 'failed')
    this.#mayRepeat &&= isUnsent
    if (isUnsent) this.#sendTo('another')
    else if (isRead(this.#ask.method)) this.#sendTo('any')
    else setTimeout(() => this.#sendTo('any'), ROLLED_BACK_MS)
  }

  #mayBeSentAgain(error: Error): boolean {
    if (this.#begun || this.#body?.canRewind() === false) return false
    if (isRefused(error)) return true
    return this.#mayRepeat && isReset(error) && this.#tools.guard.mayRepeat()
  }

  /** To one that was not tried yet, if there is one; `another`: only then. */
  #sendTo(who: 'any' | 'another'): void {
    if (this.#over) return
    const { balancer } = this.#tools
    const { service } = this.#ask.route
    const upstream = balancer.choose(service, this.#tried, this.#mayRepeat)
    this.#upstream = upstream
    if (upstream && (who === 'any' || !this.#tried.includes(upstream))) this.#dispatch(upstream)
    else {
      this.#tell('unknown')
      this.#giveUp('failed', unavailable(service))
    }
  }

  #dispatch(upstream: Upstream): void {
    this.#tried = this.#tried === NOBODY ? [upstream] : [...this.#tried, upstream]
    const body = this.#body && (this.#body.whole() ?? this.#body.open())
    const usual = body === undefined || Buffer.isBuffer(body) ? upstream.whole : upstream.uploads
    const { method, target, route } = this.#ask
    const transport = route.isStream || route.isWebSocket ? upstream.streams : usual
    const headers = requestHeaders(this.#ask, this.#remainingMs())
    transport.ask({ method, target, headers, body, isHandshake: route.isWebSocket === true }, this)
  }

  #remainingMs(): number {
    const { deadlineMs } = this.#ask.route
    return this.#tried.length > 1 || this.#body ? this.dueAtMs - performance.now() : deadlineMs
  }

  #finish(chunk: Buffer | undefined): void {
    this.#conversation = undefined // it may be another's from now on
    this.#settle('succeeded')
    this.#tell('answered')
    this.#answer.end(chunk)
  }

  #giveUp(result: 'failed' | 'unknown', problem: ProblemError | undefined): void {
    if (this.#over) return
    this.#settle(result)
    this.#tell(result)
    this.#conversation?.giveUp()
    if (this.#begun) this.#answer.breakOff()
    else if (problem) this.#answer.refuse(problem)
  }

  #settle(result: 'succeeded' | 'failed' | 'unknown'): void {
    this.#over = true
    this.#tools.deadlines.stop(this)
    if (this.#pass) this.#tools.guard.leave(this.#pass, result)
    this.#body?.release()
  }

  /** Each choice of the balancer is told its outcome once. */
  #tell(outcome: Outcome): void {
    const upstream = this.#upstream
    this.#upstream = undefined
    if (upstream) this.#tools.balancer.outcome(this.#ask.route.service, upstream, outcome)
  }
}

const isRead = (method: string) => method === 'GET' || method === 'HEAD'

function problemOf(error: Error, { route }: Ask): ProblemError {
  if (isUnfit(error)) return kitProblem('request.malformed', 'The request cannot be passed on')
  if (isGarbage(error)) return garbage()
  return unavailable(route.service)
}
