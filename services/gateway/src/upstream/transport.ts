import type { Duplex, Readable } from 'node:stream'

/** A request as the service gets it. */
export interface Question {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Names in lower case and values in turn, made of what this process itself has read. */
  readonly headers: readonly string[]
  /** A stream is sent as it comes. */
  readonly body: Buffer | Readable | undefined
  /** Asks for a WebSocket (RFC 6455, section 4.1). */
  readonly isHandshake?: boolean
}

/** Who asks. Hears of a head, any number of chunks and the end; `onFailed` may come in the place of each, and nothing after it. */
export interface Asker {
  /** There is, or is going to be, a connection for the question; told again when it is another one. */
  onAsked(conversation: Conversation): void
  /** @param headers names in lower case and values in turn; the asker may keep and change them */
  onHead(status: number, headers: string[]): void
  onChunk(chunk: Buffer): void
  onEnd(): void
  /** In the place of an answer: from now on the connection is the asker's. */
  onSwitched?(headers: string[], socket: Duplex): void
  /** With a `syscall` of `connect` nothing was sent. Otherwise `code` says more: see `isReset` and `isGarbage`. */
  onFailed(error: Error): void
}

/** One question under way. */
export interface Conversation {
  readonly isPaused: boolean
  /** No more of the answer for now. */
  pause(): void
  resume(): void
  /** Nobody wants the answer any more; the asker hears nothing further. */
  giveUp(): void
}

/** Connections to one instance of a service. */
export interface Transport {
  ask(question: Question, asker: Asker): void
  /** Finishes what runs; whoever asks now is told that there is no connection. */
  close(): Promise<void>
}

const codeOf = (error: Error): string => ('code' in error ? String(error.code) : '')

/** Nothing was sent, because there is no connection. */
export const isRefused = (error: Error): boolean =>
  codeOf(error) === 'UND_ERR_CONNECT_TIMEOUT' ||
  ('syscall' in error && ['connect', 'getaddrinfo'].includes(String(error.syscall)))

/** The connection ended before the answer did. */
export const isReset = (error: Error): boolean => ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error))

const GARBAGE = ['EBADANSWER', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_HEADERS_OVERFLOW']

/** What came is not HTTP/1.1. */
export const isGarbage = (error: Error): boolean => error.name === 'HTTPParserError' || GARBAGE.includes(codeOf(error))

const UNFIT = ['EUNFIT', 'UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH']

/** The question cannot be written as one HTTP/1.1 request. */
export const isUnfit = (error: Error): boolean => UNFIT.includes(codeOf(error))

export const failureOf = (code: string, message: string, more: { syscall?: string } = {}): Error =>
  Object.assign(new Error(message), { code, ...more })
