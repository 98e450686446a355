import type { Socket } from 'node:net'
import { ProblemError } from '@micromart/http-kit/problem'
import type { Answer } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { responseHeaders } from '../headers.ts'
import { isAccepted } from './handshake.ts'

const notAgreed = () =>
  new ProblemError(502, { code: 'gateway.bad-upstream', detail: 'The service agreed to something else than was asked' })

/**
 * Where the answer to a handshake goes: a yes opens the way between both sockets, anything else is an answer like any other. Until then a
 * client that sends something, or ends, is not waiting for an answer, and goes.
 */
export function switchingAnswer(exchange: Exchange, client: Socket, opened: (service: Socket) => void): Answer {
  const leave = () => client.destroy()
  client.on('data', leave).on('end', leave)
  const stay = () => client.off('data', leave).off('end', leave)
  return {
    begin: (status, headers, source) => {
      stay()
      exchange.begin(status, headers, source)
    },
    write: (chunk) => exchange.write(chunk),
    end: (chunk) => exchange.end(chunk),
    breakOff: () => exchange.breakOff(),
    refuse: (problem) => {
      stay()
      exchange.refuse(problem)
    },
    switched: (headers, stream) => {
      const service = stream as Socket
      service.on('error', () => service.destroy())
      stay()
      if (!isAccepted(exchange.headers, headers)) {
        service.destroy()
        return exchange.refuse(notAgreed())
      }
      const { response, said } = exchange
      const own = responseHeaders(headers).concat('connection', 'Upgrade', 'upgrade', 'websocket')
      response.writeHead(101, [...said, ...own])
      response.flushHeaders()
      opened(service)
    },
  }
}
