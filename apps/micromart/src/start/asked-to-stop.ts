const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const

/** How a process was told to end. */
export interface Asked {
  /** SIGTERM is what supervisors send to one instance of several: time to take leave. Whoever presses Ctrl-C wants it to end now. */
  readonly by: (typeof signals)[number]
}

/** Resolves when this process is told to end. What is told again meanwhile changes nothing: one Ctrl-C can arrive several times, and an orderly stop has its own limits. */
export const askedToStop = (): Promise<Asked> =>
  new Promise((done) => {
    for (const signal of signals) process.on(signal, () => done({ by: signal }))
  })
