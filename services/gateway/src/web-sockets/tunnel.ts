import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { FrameBoundary } from './frame-boundary.ts'

/** Why a gateway ends a WebSocket (RFC 6455, section 7.4.1). */
export const closeCodes = { goingAway: 1001, notAllowed: 1008 } as const

/** A WebSocket that is open: what one side sends goes to the other as it is, and no faster than that reads. */
export interface Tunnel {
  /** In both directions, since it is open. */
  bytes(): number
  /** Says why to both sides and closes; without a word where one is in the middle of a frame. */
  end(code: number): void
  /** At once. */
  cut(): void
}

/** Whoever was told the end has so long to answer. */
const LAST_WORDS_MS = 1_000

/** The end of one side is the end of the other, but what is on its way still arrives. */
export function openTunnel(client: Socket, service: Socket): Tunnel {
  const toClient = new FrameBoundary()
  const toService = new FrameBoundary()
  let isEnding = false

  const pump = (from: Socket, to: Socket, frames: FrameBoundary) => {
    from.on('data', (chunk: Buffer) => {
      if (isEnding) return
      frames.take(chunk)
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => from.resume())
    from.on('end', () => to.end())
    from.once('close', () => to.destroySoon())
    from.on('error', () => from.destroy()).setNoDelay(true)
  }
  pump(client, service, toService)
  pump(service, client, toClient)

  const cut = () => {
    client.destroy()
    service.destroy()
  }
  const say = (to: Socket, frames: FrameBoundary, frame: Buffer) => {
    if (to.writableEnded || to.destroyed) return
    if (frames.isBetweenFrames()) to.write(frame)
    to.end()
    to.resume() // what still comes is not read by anybody
  }

  return {
    bytes: () => client.bytesRead + service.bytesRead,
    end: (code) => {
      if (isEnding) return
      isEnding = true
      say(client, toClient, closeFrame(code))
      say(service, toService, masked(closeFrame(code)))
      setTimeout(cut, LAST_WORDS_MS).unref()
    },
    cut,
  }
}

/** As a server sends it. */
const closeFrame = (code: number) => Buffer.from([0x88, 2, code >> 8, code & 0xff])

/** As a client sends it. */
function masked(frame: Buffer): Buffer {
  const mask = randomBytes(4)
  const payload = frame.subarray(2).map((byte, index) => byte ^ (mask[index] ?? 0))
  return Buffer.concat([Buffer.from([frame[0] ?? 0, 0x80 | payload.length]), mask, payload])
}
