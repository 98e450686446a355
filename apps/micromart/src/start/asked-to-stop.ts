const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const

/** How a process was told to end. */
export interface Asked {
  /** SIGTERM is what supervisors send to one instance of several: time to take leave. Whoever presses Ctrl-C wants it to end now. */
  readonly by: (typeof signals)[number]
}

/** Resolves when this process is told to end; by SIGHUP, which a closed terminal sends, unless that means something else to it. What is told again meanwhile changes nothing: one Ctrl-C can arrive several times, and an orderly stop has its own limits. */
export const askedToStop = ({ hangUpStops = true } = {}): Promise<Asked> =>
  new Promise((done) => {
    for (const signal of signals) if (hangUpStops || signal !== 'SIGHUP') process.on(signal, () => done({ by: signal }))
  })
