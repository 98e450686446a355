import { readFileSync } from 'node:fs'
import { contenders } from './contenders.ts'
import { chooseCores } from './cores.ts'
import { type Measured, runLoad } from './load.ts'
import { openScene } from './scene.ts'

interface Sample {
  readonly atMs: number
  readonly rssMib: number
}

export interface Soaked {
  readonly measured: Measured
  readonly samples: readonly Sample[]
  /** Of a straight line through the second half of the samples: once everything is warm, whatever grows is a leak. */
  readonly mibPerMillion: number
  readonly failed: boolean
}

const EVERY_MS = 1_000

/** Sends many requests to our gateway and watches how much memory it holds. */
export async function soak(options: {
  readonly requests: number
  readonly connections: number
  readonly say: (line: string) => void
}): Promise<Soaked> {
  const { requests, connections, say } = options
  const cores = chooseCores()
  const scene = await openScene(cores)
  const samples: Sample[] = []
  try {
    const { port, process: gateway } = await scene.start('ours')
    const pid = gateway.pid ?? 0
    const request = scene.requestOf(contenders.ours)
    const startedAt = performance.now()
    const sampling = setInterval(
      () => samples.push({ atMs: performance.now() - startedAt, rssMib: rssMibOf(pid) }),
      EVERY_MS,
    )
    const measured = await runLoad({ port, request, expected: '200', connections, warmUpMs: 0, requests }, cores.load)
    clearInterval(sampling)
    const half = samples.slice(Math.floor(samples.length / 2))
    const millionsPerMs = measured.perSecond / 1_000_000_000
    const mibPerMillion = Math.round((slopeOf(half) / millionsPerMs) * 100) / 100
    const at = (share: number) => samples[Math.floor((samples.length - 1) * share)]?.rssMib
    say(`${measured.answers} requests, ${Math.round(measured.perSecond)}/s, errors ${JSON.stringify(measured.errors)}`)
    say(`Memory (RSS, MiB): ${[0.1, 0.25, 0.5, 0.75, 1].map((share) => `${share * 100} %: ${at(share)}`).join('  ')}`)
    say(`In the second half it grew by ${mibPerMillion} MiB per million requests`)
    return { measured, samples, mibPerMillion, failed: Object.keys(measured.errors).length > 0 }
  } finally {
    await scene.close()
  }
}

const rssMibOf = (pid: number) =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 102.4) / 10

/** Least squares; 0 of fewer than two. */
export function slopeOf(samples: readonly Sample[]): number {
  const meanOf = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length)
  const [x, y] = [meanOf(samples.map(({ atMs }) => atMs)), meanOf(samples.map(({ rssMib }) => rssMib))]
  const spread = samples.reduce((sum, { atMs }) => sum + (atMs - x) ** 2, 0)
  return spread === 0 ? 0 : samples.reduce((sum, { atMs, rssMib }) => sum + (atMs - x) * (rssMib - y), 0) / spread
}
