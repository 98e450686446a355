import { STATUS_CODES } from 'node:http'
import { hasName } from './header-list.ts'

/** What an answer says, each list names in lower case and values in turn, and the earlier before the later: of `vary` all, of others the first. */
export interface Said {
  /** Of the gateway. */
  readonly said: readonly string[]
  /** Of the service. */
  readonly own: readonly string[]
  /** Unless one of the others does. */
  readonly usual: readonly string[]
  /** `own` and `usual` as text, from whoever says the same again and again: see `restText`. */
  readonly rest?: string | undefined
}

/** An idle connection is kept for so long. */
export const KEEP_ALIVE_MS = 65_000
const KEPT = `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1_000}\r\n\r\n`

const statusLines = new Map<number, string>()

function statusLine(status: number): string {
  const known = statusLines.get(status)
  if (known !== undefined) return known
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
  statusLines.set(status, line)
  return line
}

let dateSecond = -1
let dateLine = ''

/** RFC 9110, section 6.6.1; the same for a second. */
function dateAt(nowMs: number): string {
  const second = Math.floor(nowMs / 1_000)
  if (second !== dateSecond) {
    dateSecond = second
    dateLine = `Date: ${new Date(second * 1_000).toUTCString()}\r\n`
  }
  return dateLine
}

/**
 * The head of an answer as one text, written as node:http itself would, but without checking each name and value once more: what the gateway
 * says is its own, and what a service says was checked when it was read.
 */
export function headText(status: number, { said, own, usual, rest }: Said): string {
  let text = statusLine(status)
  for (let index = 0; index < said.length; index += 2) text += `${said[index]}: ${said[index + 1]}\r\n`
  text += rest ?? restText({ said, own, usual })
  if (rest !== undefined || !hasName(own, 'date')) text += dateAt(Date.now())
  return text + KEPT
}

/** Without what the gateway has said already. */
export function restText({ said, own, usual }: Said): string {
  let text = ''
  for (let index = 0; index < own.length; index += 2) {
    const name = own[index] ?? ''
    if (name === 'vary' || !hasName(said, name)) text += `${name}: ${own[index + 1]}\r\n`
  }
  for (let index = 0; index < usual.length; index += 2) {
    const name = usual[index] ?? ''
    if (!hasName(own, name) && !hasName(said, name)) text += `${name}: ${usual[index + 1]}\r\n`
  }
  return text
}

/** What the gateway may say of its own on any answer; a service that says it too is overruled. */
const OURS = /^(?:access-control-|ratelimit|retry-after$|allow$|date$|x-request-id$|cache-status$)/

/** Whether `restText` is the same whatever the gateway says, but for the `cache-status` that the cache itself has written last. */
export const isIndependent = (own: readonly string[]): boolean =>
  own.every((name, index) => index % 2 === 1 || !OURS.test(name))
