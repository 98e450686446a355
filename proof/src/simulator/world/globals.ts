import nodeCrypto from 'node:crypto'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { Random } from '../../random.ts'
import type { Schedule } from './schedule.ts'

/** What code reaches for without being given it. */
interface World {
  readonly schedule: Schedule
  readonly random: Random
  /** For bytes: keys and ids are drawn in larger helpings, so how many are drawn depends on the runs before. */
  readonly bytes: Random
  fetch(url: URL, init: RequestInit): Promise<Response>
}

let world: World | undefined

const RealDate = Date

/** The world that timers, time, chance and requests belong to from now on. */
export function enter(next: World): void {
  world = next
}

const current = (): World => {
  if (!world) throw new Error('There is no simulated world yet')
  return world
}

/**
 * Puts simulated time, chance, timers, files and requests in the place of the machine's, for the whole process and before any of the product
 * is loaded. The product runs as it is; only what would come from outside comes from the seed.
 */
export function simulateTheMachine(): void {
  globalThis.Date = class extends RealDate {
    constructor(...given: readonly unknown[]) {
      super(...((given.length === 0 && world ? [world.schedule.nowMs] : given) as [number]))
    }
    static override now = () => world?.schedule.nowMs ?? RealDate.now()
  } as DateConstructor
  Math.random = () => world?.random.next() ?? 0.5
  simulateTimers()
  simulateChance()
  simulateFiles()
  countOutsideWork()
  globalThis.fetch = ((input: string | URL, init: RequestInit = {}) =>
    current().fetch(new URL(input), init)) as typeof fetch
  syncBuiltinESMExports()
}

interface TimerHandle {
  cancel(): void
  unref(): TimerHandle
  ref(): TimerHandle
}

function handleOf(cancel: () => void): TimerHandle {
  const handle: TimerHandle = { cancel, unref: () => handle, ref: () => handle }
  return handle
}

function simulateTimers() {
  const clear = (handle: TimerHandle | undefined) => handle?.cancel?.()
  const later = (action: (...values: unknown[]) => void, delayMs = 0, ...values: unknown[]) =>
    handleOf(current().schedule.after(delayMs, () => action(...values)))
  const repeatedly = (action: () => void, everyMs = 0) => {
    let cancel = () => {}
    const again = () => {
      cancel = current().schedule.after(everyMs, () => {
        action()
        again()
      })
    }
    again()
    return handleOf(() => cancel())
  }
  Object.assign(globalThis, { setTimeout: later, clearTimeout: clear, setInterval: repeatedly, clearInterval: clear })
  AbortSignal.timeout = (delayMs) => {
    const controller = new AbortController()
    current().schedule.after(delayMs, () => controller.abort(new DOMException('timed out', 'TimeoutError')))
    return controller.signal
  }
}

function simulateChance() {
  const bytes = (size: number) => Buffer.from(current().bytes.bytes(size))
  const uuid = () => {
    const hex = bytes(16).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
  }
  Object.assign(nodeCrypto, { randomBytes: bytes, randomUUID: uuid })
  crypto.getRandomValues = (array) => {
    const view = array as unknown as Uint8Array
    view.set(current().bytes.bytes(view.length))
    return array
  }
}

/** Files are read at once: a disk's own pace is not part of a seed. */
function simulateFiles() {
  const known = new Map<string, Buffer>()
  const read = (path: string | URL): Buffer => {
    const bytes = known.get(String(path)) ?? fs.readFileSync(path)
    known.set(String(path), bytes)
    return bytes
  }
  const folders = new Map<string, readonly string[]>()
  const namesIn = (path: string) => {
    const names = folders.get(path) ?? fs.readdirSync(path)
    folders.set(path, names)
    return [...names]
  }
  Object.assign(fs.promises, {
    readFile: async (path: string | URL, encoding?: BufferEncoding) =>
      encoding ? read(path).toString(encoding) : read(path),
    readdir: async (path: string | URL) => namesIn(String(path)),
  })
}

type Subtle = Record<string, (...given: unknown[]) => Promise<unknown>>
type Algorithm = { readonly name: string } | string
type Key = Parameters<typeof nodeCrypto.KeyObject.from>[0]

/** Ed25519 and digests on this thread: the same bytes, without waiting for a thread of the crypto library each time. */
const atOnce: Readonly<Record<string, (algorithm: Algorithm, ...given: never[]) => unknown>> = {
  sign: (algorithm, key: Key, data: Uint8Array) =>
    isEd25519(algorithm) ? exactly(nodeCrypto.sign(null, data, nodeCrypto.KeyObject.from(key))) : undefined,
  verify: (algorithm, ...[key, signature, data]: readonly [Key, Uint8Array, Uint8Array]) =>
    isEd25519(algorithm) ? nodeCrypto.verify(null, data, nodeCrypto.KeyObject.from(key), signature) : undefined,
  digest: (algorithm, data: Uint8Array) =>
    exactly(nodeCrypto.hash(nameOf(algorithm).replace('-', ''), data, { outputEncoding: 'buffer' })),
}

const nameOf = (algorithm: Algorithm) => (typeof algorithm === 'string' ? algorithm : algorithm.name)
const isEd25519 = (algorithm: Algorithm) => nameOf(algorithm) === 'Ed25519'
const exactly = (bytes: Buffer) => Uint8Array.from(bytes).buffer

/** What is left to those threads is waited for by the schedule, and they take turns, so that none overtakes another. */
function countOutsideWork() {
  const subtle = Object.getPrototypeOf(crypto.subtle) as Subtle
  let last: Promise<unknown> = Promise.resolve()
  for (const name of ['sign', 'verify', 'digest', 'importKey', 'exportKey', 'generateKey']) {
    const original = subtle[name]
    if (!original) continue
    subtle[name] = async function (this: SubtleCrypto, ...given) {
      const known = atOnce[name]?.(...(given as [Algorithm, ...never[]]))
      if (known !== undefined) return known
      const { outside } = current().schedule
      outside.running += 1
      const own = last.then(() => original.apply(this, given))
      last = own.catch(() => {})
      try {
        return await own
      } finally {
        outside.running -= 1
      }
    }
  }
}
