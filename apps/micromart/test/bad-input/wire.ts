import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { Pool } from 'undici'
import type { Wish } from './case.ts'

export interface Answer {
  /** 0 when none came. */
  readonly status: number
  readonly type: string
  readonly text: string
}

/** A client that sends what it is told, however wrong. */
export interface Wire {
  send(wish: Wish): Promise<Answer>
  close(): Promise<void>
}

export function openWire(url: string): Wire {
  const pool = new Pool(url, { connections: 16, headersTimeout: 10_000, bodyTimeout: 10_000 })
  return {
    send: async ({ method, path, headers, body, chunked }) => {
      try {
        const bytes = bytesOf(body)
        const response = await pool.request({
          method: method as 'GET',
          path,
          headers: Object.entries(headers).flat(),
          body: chunked && bytes !== null ? Readable.from([bytes]) : bytes,
        })
        return {
          status: response.statusCode,
          type: String(response.headers['content-type'] ?? ''),
          text: await response.body.text(),
        }
      } catch (error) {
        return { status: 0, type: '', text: String(error) }
      }
    },
    close: () => pool.close(),
  }
}

/** Sends bytes that may be no HTTP at all, on a connection of their own. */
export async function sendBytes(url: string, bytes: string): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.end(bytes)
  const answer = await text(socket)
  const [head = '', ...body] = answer.split('\r\n\r\n')
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0),
    type: /^content-type: (.*)$/im.exec(head)?.[1] ?? '',
    text: body.join('\r\n\r\n'),
  }
}

function bytesOf(body: unknown): string | Buffer | null {
  if (body === undefined) return null
  return typeof body === 'string' || Buffer.isBuffer(body) ? body : json(body)
}

/** Stands for a number as it is written, for those that JavaScript cannot hold. */
export const written = (number: string) => `@@${number}@@`

/** JSON in which `written` numbers are what they say. */
export const json = (value: unknown): string => JSON.stringify(value).replaceAll(/"@@([^"]*)@@"/g, '$1')
