import { failureOf } from './transport.ts'

/** Who hears what an answer says, at once and in order. */
export interface AnswerTaker {
  onHead(status: number, headers: string[]): void
  onChunk(chunk: Buffer): void
  /** @param isReusable the connection may carry another question */
  onWhole(isReusable: boolean): void
}

/** Of the head, and of the trailers; the same as Node's own. */
const MOST_HEAD_BYTES = 16_384
const MOST_SIZE_LINE_BYTES = 1_024

/** What a head may not have anywhere (RFC 9112, sections 2.2 and 5; RFC 9110, section 5.5): control characters, a CR or LF on its own. */
const FORBIDDEN = /[^\t\x20-\x7e\x80-\xff\r\n]|\r(?!\n)|(?<!\r)\n/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const LENGTH = /^\d{1,15}$/
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?$/

type State = 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'to-end' | 'whole'

const garbage = (what: string) => failureOf('EBADANSWER', `The answer is not HTTP/1.1: ${what}`)

/** Names as services write them, in lower case; services use few. */
const knownNames = new Map<string, string>()
const MOST_KNOWN = 500

function nameOf(written: string): string {
  const known = knownNames.get(written)
  if (known !== undefined) return known
  if (!TOKEN.test(written)) throw garbage('a header has no name')
  const name = written.toLowerCase()
  if (knownNames.size < MOST_KNOWN) knownNames.set(written, name)
  return name
}

/**
 * Reads the answers on one connection, one after the other (RFC 9112). Strict where two readers could disagree about where an answer ends:
 * a length that is no number, two lengths, a length beside chunks, any coding but chunked, folded lines. Whatever breaks the rules is
 * thrown, and the connection is of no use any more.
 */
export class AnswerReader {
  readonly #taker: AnswerTaker
  #state: State = 'whole'
  /** What has come of a head, a size or trailers that is not whole yet. */
  #text = ''
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0
  #isHead = false
  #isReusable = true

  constructor(taker: AnswerTaker) {
    this.#taker = taker
  }

  /** The answer to a question with this method comes next. */
  expect(method: string): void {
    this.#state = 'head'
    this.#text = ''
    this.#isHead = method === 'HEAD'
    this.#isReusable = true
  }

  /** @throws an error with the code `EBADANSWER` */
  take(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) at = this.#read(bytes, at)
  }

  /** The other side has said that nothing more comes. @returns whether that is the end of an answer */
  end(): boolean {
    if (this.#state !== 'to-end') return false
    this.#whole(false)
    return true
  }

  #read(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at)
      case 'length':
      case 'chunk':
        return this.#readBody(bytes, at)
      case 'chunk-size':
        return this.#readLine(bytes, at, MOST_SIZE_LINE_BYTES)
      case 'chunk-end':
      case 'trailers':
        return this.#readLine(bytes, at, MOST_HEAD_BYTES)
      case 'to-end':
        this.#taker.onChunk(Buffer.from(bytes.subarray(at)))
        return bytes.length
      case 'whole':
        throw garbage('there is more than was asked for')
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    const before = this.#text.length
    const text = this.#text + bytes.toString('latin1', at, Math.min(bytes.length, at + MOST_HEAD_BYTES + 4 - before))
    const end = text.indexOf('\r\n\r\n')
    if (end >= 0) {
      this.#text = ''
      this.#begin(text.slice(0, end))
      return at + end + 4 - before
    }
    if (text.length >= MOST_HEAD_BYTES) throw garbage('its head has no end')
    this.#text = text
    return bytes.length
  }

  #begin(head: string): void {
    if (FORBIDDEN.test(head)) throw garbage('its head has characters that no head has')
    const { status, isOld, length } = statusOf(head)
    const headers = headersOf(head, length + 2)
    const framing = framingOf(headers, isOld)
    if (status === 101) throw garbage('it changes the protocol')
    if (status < 200) return // more is to come: RFC 9110, section 15.2
    this.#isReusable = framing.isKept
    this.#left = framing.length ?? 0
    this.#state = framing.isChunked ? 'chunk-size' : framing.length === undefined ? 'to-end' : 'length'
    this.#taker.onHead(status, headers)
    const isBare = this.#isHead || status === 204 || status === 304
    if (isBare || (this.#state === 'length' && this.#left === 0)) this.#whole(framing.isKept)
  }

  #readBody(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left)
    this.#left -= end - at
    // a copy: the bytes are read into the same memory each time
    this.#taker.onChunk(Buffer.from(bytes.subarray(at, end)))
    if (this.#left > 0) return end
    if (this.#state === 'chunk') this.#state = 'chunk-end'
    else this.#whole(this.#isReusable)
    return end
  }

  #readLine(bytes: Buffer, at: number, most: number): number {
    const end = bytes.indexOf('\n', at, 'latin1')
    const text = this.#text + bytes.toString('latin1', at, end < 0 ? bytes.length : end + 1)
    if (text.length > most) throw garbage('a line has no end')
    if (end < 0) {
      this.#text = text
      return bytes.length
    }
    if (!text.endsWith('\r\n') || FORBIDDEN.test(text)) throw garbage('a line between chunks')
    this.#text = ''
    this.#takeLine(text.slice(0, -2))
    return end + 1
  }

  #takeLine(line: string): void {
    if (this.#state === 'chunk-end') {
      if (line !== '') throw garbage('a chunk is longer than it says')
      this.#state = 'chunk-size'
    } else if (this.#state === 'trailers') {
      if (line === '') this.#whole(this.#isReusable) // trailers are dropped: RFC 9110, section 6.5.1
    } else {
      const size = CHUNK_SIZE.exec(line)?.[1]
      if (size === undefined) throw garbage('a chunk does not tell its size')
      this.#left = Number.parseInt(size, 16)
      this.#state = this.#left === 0 ? 'trailers' : 'chunk'
    }
  }

  #whole(isReusable: boolean): void {
    this.#state = 'whole'
    this.#taker.onWhole(isReusable)
  }
}

/** Of the first line, and how long that is. */
function statusOf(head: string): { status: number; isOld: boolean; length: number } {
  const match = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r]*)?(?:\r|$)/.exec(head)
  if (!match) throw garbage('it does not begin with a status')
  const end = head.indexOf('\r')
  return { status: Number(match[2]), isOld: match[1] === '0', length: end < 0 ? head.length : end }
}

/** Names in lower case and values in turn; of several equal lengths one. */
function headersOf(head: string, from: number): string[] {
  const headers: string[] = []
  for (let at = from; at < head.length; ) {
    const lineEnd = head.indexOf('\r\n', at)
    const end = lineEnd < 0 ? head.length : lineEnd
    const colon = head.indexOf(':', at)
    if (colon < 0 || colon > end) throw garbage('a header has no name')
    headers.push(nameOf(head.slice(at, colon)), trimmed(head, colon + 1, end))
    at = end + 2
  }
  return headers
}

const SPACE = 0x20
const TAB = 0x09

function trimmed(head: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(head.charCodeAt(start))) start += 1
  while (end > start && isBlank(head.charCodeAt(end - 1))) end -= 1
  return head.slice(start, end)
}

const isBlank = (code: number) => code === SPACE || code === TAB

interface Framing {
  /** In bytes; undefined for an answer that ends with its connection, unless it is chunked. */
  readonly length: number | undefined
  readonly isChunked: boolean
  readonly isKept: boolean
}

/** Where the answer ends: RFC 9112, section 6.3. */
function framingOf(headers: readonly string[], isOld: boolean): Framing {
  const lengths = valuesOf(headers, 'content-length')
  const codings = valuesOf(headers, 'transfer-encoding')
  const [length] = lengths
  if (length !== undefined && (!LENGTH.test(length) || lengths.some((other) => other !== length)))
    throw garbage('its length')
  if (codings.length > 0 && (isOld || length !== undefined || codings.join().toLowerCase() !== 'chunked'))
    throw garbage('its coding')
  return {
    length: length === undefined ? undefined : Number(length),
    isChunked: codings.length > 0,
    isKept: isKept(valuesOf(headers, 'connection'), isOld),
  }
}

/** RFC 9112, section 9.3. */
function isKept(connection: readonly string[], isOld: boolean): boolean {
  if (connection.length === 0) return !isOld
  const says = connection
    .join()
    .toLowerCase()
    .split(',')
    .map((word) => word.trim())
  return isOld ? says.includes('keep-alive') : !says.includes('close')
}

const NONE: readonly string[] = []

function valuesOf(headers: readonly string[], name: string): readonly string[] {
  let values: string[] | undefined
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] !== name) continue
    values ??= []
    values.push(headers[index + 1] ?? '')
  }
  return values ?? NONE
}
