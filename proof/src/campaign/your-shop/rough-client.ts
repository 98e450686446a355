import { type ClientRequest, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface RoughCall {
  readonly url: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const LONGEST_MS = 20_000

const open = ({ url, path, headers, body }: RoughCall): ClientRequest => {
  const target = new URL(path, url)
  const request = target.protocol === 'https:' ? httpsRequest : httpRequest
  return request(target, {
    method: 'POST',
    agent: false,
    timeout: LONGEST_MS,
    headers: { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers },
  })
}

/** Sends everything and hangs up without waiting for the answer. */
export const hangUp = (call: RoughCall, afterMs: number): Promise<void> =>
  new Promise((resolve) => {
    const sent = open(call)
    sent.on('error', () => resolve()).on('response', (answer) => answer.resume())
    sent.once('close', () => resolve())
    sent.end(call.body)
    setTimeout(() => sent.destroy(), afterMs)
  })

/** Sends the body in crumbs. @returns the status, 0 when there was no answer */
export const sendInCrumbs = (call: RoughCall, options: { crumbs: number; everyMs: number }): Promise<number> =>
  new Promise((resolve) => {
    const sent = open(call)
    const size = Math.ceil(call.body.length / options.crumbs)
    let at = 0
    const timer = setInterval(() => {
      sent.write(call.body.slice(at, at + size))
      at += size
      if (at >= call.body.length) {
        clearInterval(timer)
        sent.end()
      }
    }, options.everyMs)
    const finish = (status: number) => {
      clearInterval(timer)
      resolve(status)
    }
    sent.on('error', () => finish(0)).on('timeout', () => sent.destroy())
    sent.on('response', (answer) => {
      answer.resume()
      finish(answer.statusCode ?? 0)
    })
  })
