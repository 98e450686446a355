/** How to speak with a Consul agent (its HTTP API, version 1). */
export interface ConsulAgent {
  /** Such as `http://127.0.0.1:8500`. */
  readonly url: string
  /** Empty where the agent asks for none; sent as `X-Consul-Token`. */
  readonly token: string
}

export interface ConsulCall {
  readonly method?: 'GET' | 'PUT'
  readonly path: string
  readonly query?: URLSearchParams
  readonly body?: object
  readonly withinMs: number
  /** Ends the call early. */
  readonly signal?: AbortSignal
}

/** One call to the agent. @throws TypeError when it cannot be reached, the signal's reason when time is up */
export function askConsul(agent: ConsulAgent, { method = 'GET', path, query, body, ...limits }: ConsulCall) {
  const { withinMs, signal } = limits
  const timeUp = AbortSignal.timeout(withinMs)
  return fetch(`${agent.url}${path}${query ? `?${query}` : ''}`, {
    method,
    headers: {
      ...(agent.token === '' ? {} : { 'x-consul-token': agent.token }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    redirect: 'error', // the token is for this agent only
    signal: signal ? AbortSignal.any([signal, timeUp]) : timeUp,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** An answer of the agent that is of no use. */
export class ConsulError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = 'ConsulError'
    this.status = status
  }
}
