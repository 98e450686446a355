/** What is asked of a connection from time to time, to notice that it is dead though nobody closed it. */
export interface PulseOptions {
  /** Resolves when the other side has answered; a rejection means that the connection is known to be gone. */
  readonly ask: () => Promise<unknown>
  readonly everyMs: number
  /** How long an answer may take. */
  readonly patienceMs: number
  readonly onSilence: () => void
}

/** Asks until told to stop, until the connection is gone, or until there was silence once. */
export function watchPulse({ ask, everyMs, patienceMs, onSilence }: PulseOptions): () => void {
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const beat = async () => {
    const answer = await Promise.race([ask().then(answered, gone), silence()])
    clearTimeout(timer)
    if (stopped || answer === 'gone') return
    if (answer === 'silence') return onSilence()
    timer = setTimeout(beat, everyMs)
  }

  /** A process that was frozen itself first reads what has come meanwhile. */
  const silence = () =>
    new Promise<'silence'>((resolve) => {
      timer = setTimeout(() => setImmediate(() => setImmediate(() => resolve('silence'))), patienceMs)
    })

  timer = setTimeout(beat, everyMs)
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

const answered = () => 'answered' as const
const gone = () => 'gone' as const
