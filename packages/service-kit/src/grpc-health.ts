import { once } from 'node:events'
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import { Health, HealthCheckResponse_ServingStatus as Status } from '@micromart/contracts/gen/health_pb'

/**
 * The standard health service over what the router has by now: SERVING, and NOT_SERVING from the moment the server is leaving. Who watches is told
 * at that moment. It is open to all, for the probes of an orchestrator know no token, and says nothing else.
 */
export function addHealth(router: ConnectRouter, leaving: AbortSignal): void {
  const known = new Set(['', Health.typeName, ...router.handlers.map(({ service }) => service.typeName)])
  const now = () => (leaving.aborted ? Status.NOT_SERVING : Status.SERVING)
  router.service(Health, {
    check: ({ service }) => {
      if (!known.has(service)) throw new ConnectError('there is no such service here', Code.NotFound)
      return { status: now() }
    },
    async *watch({ service }, { signal }) {
      const isKnown = known.has(service)
      yield { status: isKnown ? now() : Status.SERVICE_UNKNOWN }
      if (leaving.aborted) return
      const told = await once(leaving, 'abort', { signal }).catch(() => undefined) // the watcher has gone
      if (told && isKnown) yield { status: now() }
    },
  })
}
