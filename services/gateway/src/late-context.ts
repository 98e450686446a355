import type { IncomingHttpHeaders } from 'node:http'
import { requestIdOf, traceparentOf } from '@micromart/http-kit/request-context'
import type { Ids } from '@micromart/kernel/ids'
import type { WorkContext } from '@micromart/telemetry/context'

/** The context of a request whose span is named when somebody asks for it: most answers that are kept are given without one. */
export class LateContext implements WorkContext {
  readonly correlationId: string
  readonly causationId: string
  readonly #headers: IncomingHttpHeaders
  #traceparent: string | undefined = undefined

  constructor(headers: IncomingHttpHeaders, ids: Ids) {
    this.correlationId = requestIdOf(headers, ids)
    this.causationId = this.correlationId
    this.#headers = headers
  }

  get traceparent(): string {
    this.#traceparent ??= traceparentOf(this.#headers)
    return this.#traceparent
  }
}
