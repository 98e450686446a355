import type { FuzzTarget, OpenTarget, Verdict } from '../src/fuzz/target.ts'

const numbers = (run: OpenTarget['run']): OpenTarget => ({ input: (random) => String(random.between(0, 39)), run })

const target = (name: string, run: OpenTarget['run']): FuzzTarget => ({ name, what: name, open: () => numbers(run) })

/** A target for each fault that the fuzzer must find, and one without. */
export const targets: readonly FuzzTarget[] = [
  target('sound', (input) => (Number(input) < 20 ? 'accepted' : 'refused')),
  target('crashes', (input) => {
    if (input === '7') throw new TypeError('seven')
    return 'refused'
  }),
  target('rejects', async (input): Promise<Verdict> => {
    if (input === '7') throw new TypeError('seven')
    return 'accepted'
  }),
  target('spins', (input) => {
    while (input === '7') Math.random()
    return 'accepted'
  }),
  target('never-answers', (input) => (input === '7' ? new Promise(() => {}) : 'accepted')),
  target('blind', () => 'refused'),
]
