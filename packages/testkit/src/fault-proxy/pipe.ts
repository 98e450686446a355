import type { Socket } from 'node:net'

export type Direction = 'to-server' | 'to-client'

export interface PipeState {
  /** Nothing passes. */
  readonly blocked: boolean
  readonly delayMs: number
  readonly jitterMs: number
  readonly bytesPerSecond: number
  /** After so many bytes the connection is cut. */
  readonly bytesLeft: number
}

export const HEALTHY: PipeState = {
  blocked: false,
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  bytesLeft: Number.POSITIVE_INFINITY,
}

/** One direction of a connection: what comes from one socket is passed to the other, as the state of the network allows. */
export interface Pipe {
  readonly direction: Direction
  set(state: PipeState): void
  /** Names the source, where it was not known at first. */
  listenTo(from: Socket): void
  /** Goes on when the target has been connected. */
  resume(): void
  /** Runs once everything before it has passed: at once on a healthy network, and after the healing on a blocked one. */
  whenPassed(action: () => void): void
}

type Item = { readonly dueAt: number } & ({ readonly chunk: Buffer } | { readonly action: () => void })

const MOST_WAITING_BYTES = 256 * 1024

export function openPipe(options: {
  readonly direction: Direction
  readonly from: Socket | undefined
  readonly to: () => Socket | undefined
  readonly onCut: () => void
}): Pipe {
  const waiting: Item[] = []
  let state: PipeState = HEALTHY
  let source: Socket | undefined
  let waitingBytes = 0
  let freeAt = 0
  let timer: NodeJS.Timeout | undefined

  /** When something that comes now is through: later than all before it, whatever the jitter. */
  const dueAt = (bytes: number): number => {
    const { delayMs, jitterMs, bytesPerSecond } = state
    if (delayMs + jitterMs === 0 && bytesPerSecond === Number.POSITIVE_INFINITY) return freeAt
    const earliest = performance.now() + delayMs + Math.random() * jitterMs
    freeAt = Math.max(freeAt, earliest) + (bytes * 1_000) / bytesPerSecond
    return freeAt
  }

  const add = (item: Item, bytes: number) => {
    waiting.push(item)
    waitingBytes += bytes
    if (waitingBytes > MOST_WAITING_BYTES) source?.pause()
    flush()
  }

  const pass = (chunk: Buffer): boolean => {
    const target = options.to()
    waitingBytes -= chunk.length
    if (!target || target.destroyed || target.writableEnded) return true
    const part = chunk.length > state.bytesLeft ? chunk.subarray(0, state.bytesLeft) : chunk
    const isCut = part.length < chunk.length
    const flowing = target.write(part, isCut ? options.onCut : undefined)
    state = { ...state, bytesLeft: state.bytesLeft - part.length }
    if (!flowing) target.once('drain', flush)
    return flowing
  }

  /** Takes the first item if it may pass now. */
  const next = (): Item | undefined => {
    const [first] = waiting
    if (!first || state.blocked || !options.to()) return undefined
    const restMs = first.dueAt - performance.now()
    if (restMs <= 0) return waiting.shift()
    timer = setTimeout(flush, restMs)
    return undefined
  }

  const flush = () => {
    clearTimeout(timer)
    let flowing = true
    for (let item = next(); item; item = flowing ? next() : undefined) {
      if ('action' in item) item.action()
      else flowing = pass(item.chunk)
    }
    if (waitingBytes <= MOST_WAITING_BYTES) source?.resume()
  }

  const whenPassed = (action: () => void) => add({ dueAt: dueAt(0), action }, 0)

  const listenTo = (from: Socket) => {
    source = from
    from.on('data', (chunk: Buffer) => add({ dueAt: dueAt(chunk.length), chunk }, chunk.length))
    from.once('end', () => whenPassed(() => options.to()?.end()))
  }

  if (options.from) listenTo(options.from)
  return {
    direction: options.direction,
    set: (next) => {
      state = next
      freeAt = 0
      for (const [index, item] of waiting.entries()) if (next.delayMs === 0) waiting[index] = { ...item, dueAt: 0 }
      flush()
    },
    listenTo,
    resume: flush,
    whenPassed,
  }
}
