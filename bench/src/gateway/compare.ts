import { type ContenderName, contenders, hasNginx } from './contenders.ts'
import { type Cores, chooseCores } from './cores.ts'
import { cpuTimeUs } from './cpu-time.ts'
import { type Measured, runLoad } from './load.ts'
import { openScene, type Scene, type Started } from './scene.ts'
import { type Ratio, type Round, type Row, ratioLine, ratiosOf, rowLine, rowOf } from './summary.ts'

export interface CompareOptions {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly only: readonly ContenderName[]
  /** Requests a second; false to leave it out. */
  readonly offered: number | false
  readonly processes: number
  readonly say: (line: string) => void
}

export interface Comparison {
  readonly cores: string
  readonly node: string
  readonly rows: readonly Row[]
  readonly ratios: readonly Ratio[]
  readonly offered: Measured | undefined
  readonly skipped: readonly string[]
  /** A request went wrong. */
  readonly failed: boolean
}

const WARM_UP_MS = 1_500
const FIRST_WARM_UP_MS = 4_000

/** All by turns on the same core, so that a noisy machine is noisy for everybody; then ours with several processes. */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { say } = options
  const cores = chooseCores()
  const skipped = options.only.includes('nginx') && !hasNginx() ? ['nginx'] : []
  const names = options.only.filter((name) => !skipped.includes(name))
  say(
    `${cores.description}. Node ${process.version}, ${options.connections} connections, ${options.rounds} rounds of ${options.seconds} s each`,
  )
  for (const name of skipped) say(`SKIPPED: ${name} is not installed (apt-get install nginx)`)
  const measured = await measureAll(names, cores, options)
  const rows = [...measured].map(([name, rounds]) => rowOf(name, rounds))
  const ratios = ratiosOf(measured)
  for (const row of rows) say(rowLine(row))
  for (const ratio of ratios) say(ratioLine(ratio))
  const offered = options.offered === false ? undefined : await offer(cores, options, options.offered)
  const failed = [...rows, ...(offered ? [offered] : [])].some(({ errors }) => Object.keys(errors).length > 0)
  return { cores: cores.description, node: process.version, rows, ratios, offered, skipped, failed }
}

async function measureAll(names: readonly ContenderName[], cores: Cores, options: CompareOptions) {
  const scene = await openScene(cores)
  const measured = new Map<ContenderName, Round[]>(names.map((name) => [name, []]))
  try {
    const started = await startAll(scene, names)
    const once = async (name: ContenderName, warmUpMs: number, lengthMs: number): Promise<Round> => {
      const { port = 0, process: { pid = 0 } = {} } = started.get(contenders[name].process) ?? {}
      const request = scene.requestOf(contenders[name])
      const { connections } = options
      const before = cpuTimeUs(pid)
      const result = await runLoad({ port, request, expected: '200', connections, warmUpMs, lengthMs }, cores.load)
      const after = cpuTimeUs(pid)
      return { ...result, cpuUs: before && after && (after - before) / result.allAnswers }
    }
    for (const name of names) await once(name, FIRST_WARM_UP_MS, 1)
    for (let round = 1; round <= options.rounds; round += 1)
      for (const [name, results] of measured) {
        const result = await once(name, WARM_UP_MS, options.seconds * 1_000)
        results.push(result)
        options.say(`  round ${round}: ${contenders[name].title}: ${Math.round(result.perSecond)}`)
      }
    return measured
  } finally {
    await scene.close()
  }
}

async function startAll(scene: Scene, names: readonly ContenderName[]) {
  const started = new Map<string, Started>()
  for (const { process: name } of names.map((each) => contenders[each]))
    if (!started.has(name)) started.set(name, await scene.start(name))
  return started
}

/** A fixed rate on all cores: the gateway's processes, the service and the load have to share them. */
async function offer(cores: Cores, options: CompareOptions, perSecond: number): Promise<Measured> {
  const { say, processes } = options
  const unpinned: Cores = { ...cores, gateway: undefined, upstream: undefined, load: [undefined, undefined] }
  const scene = await openScene(unpinned)
  try {
    const { port } = await scene.start('ours', { GATEWAY_PROCESSES: String(processes) })
    const result = await runLoad(
      {
        port,
        request: scene.requestOf(contenders.ours),
        expected: '200',
        connections: options.connections,
        warmUpMs: FIRST_WARM_UP_MS,
        lengthMs: options.rounds * options.seconds * 1_000,
        perSecond,
      },
      unpinned.load,
    )
    const { p50Ms, p95Ms, p99Ms, errors } = result
    say(
      `${perSecond} requests/s offered to ${processes} processes on all cores: ${Math.round(result.perSecond)} answered, p50 ${p50Ms} ms  p95 ${p95Ms} ms  p99 ${p99Ms} ms (wanted: p95 below 10 ms), errors ${JSON.stringify(errors)}`,
    )
    return result
  } finally {
    await scene.close()
  }
}
