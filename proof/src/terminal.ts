import { InvalidArgumentError } from 'commander'

/** An option's whole number from 0. @throws InvalidArgumentError */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return Number(text)
}

/** One line that changes on a terminal; elsewhere only now and then a new one. */
export interface ProgressLine {
  show(text: string): void
  /** A line that stays. */
  done(text: string): void
  clear(): void
}

const EVERY_MS = { terminal: 200, file: 10_000 }

export function progressLine(stream: NodeJS.WriteStream = process.stdout): ProgressLine {
  const everyMs = stream.isTTY ? EVERY_MS.terminal : EVERY_MS.file
  let shownAt = performance.now()
  const clear = stream.isTTY ? '\r\u001b[K' : ''
  return {
    show: (text) => {
      if (performance.now() - shownAt < everyMs) return
      shownAt = performance.now()
      stream.write(stream.isTTY ? `${clear}${text}` : `${text}\n`)
    },
    done: (text) => void stream.write(`${clear}${text}\n`),
    clear: () => void stream.write(clear),
  }
}
