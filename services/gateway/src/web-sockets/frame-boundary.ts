/** Follows the frames of a WebSocket (RFC 6455, section 5.2), as far as one has to in order to say something between two of them. */
export class FrameBoundary {
  readonly #header: number[] = []
  /** Of the payload of the frame that is on its way. */
  #left = 0

  take(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) at += this.#skip(chunk.length - at)
      else {
        this.#read(chunk[at] ?? 0)
        at += 1
      }
    }
  }

  /** Nothing of a frame is missing. */
  isBetweenFrames(): boolean {
    return this.#left === 0 && this.#header.length === 0
  }

  #skip(there: number): number {
    const skipped = Math.min(this.#left, there)
    this.#left -= skipped
    return skipped
  }

  #read(byte: number): void {
    this.#header.push(byte)
    const second = this.#header[1]
    if (second === undefined) return
    const lengthBytes = LENGTH_BYTES[second & 0x7f] ?? 0
    const maskBytes = second >= 0x80 ? 4 : 0
    if (this.#header.length < 2 + lengthBytes + maskBytes) return
    this.#left = this.#header.slice(2, 2 + lengthBytes).reduce((sum, each) => sum * 256 + each, 0)
    if (lengthBytes === 0) this.#left = second & 0x7f
    this.#header.length = 0
  }
}

/** How many bytes more a length takes that does not fit. */
const LENGTH_BYTES: Readonly<Record<number, number>> = { 126: 2, 127: 8 }
