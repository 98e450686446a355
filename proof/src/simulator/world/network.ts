import type { DescMethodUnary } from '@bufbuild/protobuf'
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createClient,
  createRouterTransport,
  type Transport,
} from '@connectrpc/connect'
import type { HttpServer } from '@micromart/http-kit/server'
import type { QueryClients } from '@micromart/service-kit/queries'
import type { Random } from '../../random.ts'
import type { Noise } from '../plan.ts'
import type { Actor, Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** No answer came: nobody knows what became of the request. */
export class NoAnswer extends Error {}

/** Carries requests between clients and services; any of them may be lost on its way there or back. */
export interface Network {
  listen(
    actor: Actor,
    service: {
      readonly name: string
      readonly http: HttpServer
      readonly queries: ((router: ConnectRouter) => void) | undefined
    },
  ): void
  /** @throws NoAnswer */
  request(service: string, request: HttpRequest): Promise<HttpResponse>
  readonly clients: QueryClients
  calm(): void
}

interface Listener {
  readonly actor: Actor
  readonly http: HttpServer
  readonly grpc: Transport
}

const PATIENCE_MS = 5_000

export function createNetwork(options: { schedule: Schedule; random: Random; trace: Trace; noise: Noise }): Network {
  const { schedule, random, trace } = options
  const listeners = new Map<string, Listener[]>()
  let { noise } = options

  const oneOf = (name: string): Listener => {
    const alive = (listeners.get(name) ?? []).filter(({ actor }) => actor.alive)
    if (alive.length === 0) throw new NoAnswer(`${name} refuses the connection`)
    return random.pick(alive)
  }

  /** There, in the actor's hands, and back. */
  const exchange = async <T>(name: string, what: string, ask: (listener: Listener) => Promise<T>): Promise<T> => {
    await schedule.pause(random.next() * 2)
    const listener = oneOf(name)
    if (random.chance(noise.requestLost)) return giveUp(`${what} is lost on its way to ${name}`)
    const tooLate = schedule.pause(PATIENCE_MS).then(() => {
      throw new NoAnswer(`${name} did not answer in time`)
    })
    const answer = await Promise.race([schedule.as(listener.actor, () => ask(listener)), tooLate])
    await schedule.pause(random.next() * 2)
    if (!listener.actor.alive) throw new NoAnswer(`${name} died with the answer`)
    return random.chance(noise.responseLost) ? giveUp(`the answer to ${what} is lost on its way from ${name}`) : answer
  }

  const giveUp = async (what: string): Promise<never> => {
    trace.add('network', what)
    await schedule.pause(PATIENCE_MS)
    throw new NoAnswer(what)
  }

  return {
    listen: (actor, { name, http, queries }) => {
      const grpc = createRouterTransport((router) => queries?.(router))
      listeners.set(name, [...(listeners.get(name) ?? []).filter((other) => other.actor.alive), { actor, http, grpc }])
    },
    request: (service, { method, path, headers = {}, body }) =>
      exchange(service, `${method} ${path}`, async ({ http }) => {
        const response = await http.inject({
          method: method as 'GET',
          url: path,
          headers,
          ...(body === undefined ? {} : { payload: body }),
        })
        return {
          status: response.statusCode,
          headers: response.headers as Record<string, string>,
          text: response.payload,
        }
      }),
    clients: (service, [baseUrl = '']) => {
      const name = new URL(baseUrl).hostname
      const unary = async <I extends DescMethodUnary['input'], O extends DescMethodUnary['output']>(
        ...given: Parameters<Transport['unary']>
      ) => {
        const [method] = given as unknown as [{ name: string }]
        try {
          return await exchange(name, method.name, ({ grpc }) =>
            grpc.unary<I, O>(...(given as unknown as Parameters<typeof grpc.unary<I, O>>)),
          )
        } catch (error) {
          throw error instanceof NoAnswer ? new ConnectError(error.message, Code.Unavailable) : error
        }
      }
      const transport = {
        unary,
        stream: () => Promise.reject(new Error('nobody streams here')),
      } as unknown as Transport
      return createClient(service, transport)
    },
    calm: () => {
      noise = { ...noise, requestLost: 0, responseLost: 0 }
    },
  }
}
