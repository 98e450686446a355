/** Resolves when this process is told to end. What is told again meanwhile changes nothing: one Ctrl-C can arrive several times, and an orderly stop has its own limits. */
export const askedToStop = (): Promise<'asked'> =>
  new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) process.on(signal, () => done('asked'))
  })
