import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { startProgram } from '@micromart/proof/program'
import { serviceNames } from '@micromart/service-kit/service'
import { freePorts } from '@micromart/testkit/free-ports'
import { until } from '@micromart/testkit/until'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Attack, attack } from './hostile/attack.ts'
import { type Served, serveHonestly } from './hostile/honest.ts'
import { startStandIn } from './hostile/service.ts'

interface Options {
  readonly hostile: number
  readonly rate: number
  readonly seconds: number
  readonly json?: true
}

type AttackState = ReturnType<Attack['state']>

/** What the honest may wait at most while the hostile are there: the promise of the gateway. */
const P95_MS = 100

/** The same load twice, first alone and then among hostile connections. The gateway, the service behind it and the attackers are processes of their own. */
async function measure({ hostile, rate, seconds, json }: Options): Promise<boolean> {
  const say = (text: string) => (json ? undefined : console.log(text))
  say(`${availableParallelism()} cores with load, service and attackers on them, Node ${process.version}`)
  const service = helper('service')
  const [servicePort] = (await once(service, 'message')) as [number]
  const [port = 0] = await freePorts(1)
  const gateway = startProgram(['serve', 'gateway'], gatewayEnvironment(port, servicePort))
  try {
    const url = `http://127.0.0.1:${port}`
    await until(() => fetch(`${url}/health`).then(({ ok }) => ok, () => false), { what: 'the gateway', withinMs: 60_000 }) // biome-ignore format: one thought
    await serveHonestly(url, { perSecond: rate, seconds: 3 })
    const alone = await serveHonestly(url, { perSecond: rate, seconds })
    say(line('alone', alone))
    const attackers = helper('attackers', String(port), String(hostile))
    let state: AttackState = { open: 0, cutOff: 0 }
    attackers.on('message', (now: AttackState) => {
      state = now
    })
    await until(async () => state.open >= hostile, { withinMs: 60_000, what: `${hostile} hostile connections` })
    const among = await serveHonestly(url, { perSecond: rate, seconds })
    attackers.kill()
    say(line(`among ${state.open} hostile connections`, among))
    say(`hostile connections cut off meanwhile: ${state.cutOff}`)
    const ok = among.latencyMs.p95 < P95_MS && Object.keys(among.errors).length === 0
    console.log(json ? JSON.stringify({ ok, hostile, rate, seconds, alone, among, ...state }) : verdict(ok))
    return ok
  } finally {
    await gateway.kill('SIGTERM')
    service.kill()
  }
}

const helper = (...words: readonly string[]): ChildProcess => fork(import.meta.filename, ['--as', ...words])

const gatewayEnvironment = (port: number, servicePort: number): Readonly<Record<string, string>> => {
  const url = `http://127.0.0.1:${servicePort}`
  const upstreams = serviceNames.map((name) => [`${name.toUpperCase()}_URL`, url])
  return {
    ...Object.fromEntries(upstreams),
    PORT: String(port),
    JWKS_URL: url,
    USER_GRPC_URL: 'http://127.0.0.1:9',
    INTERNAL_TOKEN: 'of the bench, which asks nobody'.padEnd(32, '.'),
    // each request goes all the way
    CACHE_MIB: '0',
    LOG_LEVEL: 'warn',
    // all honest requests come from one address here; the hostile ones from many
    RATE_LIMITS: 'all=999999/1',
  }
}

const line = (name: string, { latencyMs: { count, p50, p95, p99, most }, errors }: Served) =>
  `${name}: ${count} answers, p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${most.toFixed(1)} ms, errors ${JSON.stringify(errors)}`

const verdict = (ok: boolean) =>
  ok ? `Held: p95 below ${P95_MS} ms and no error` : `Not held: p95 of ${P95_MS} ms or more, or errors`

async function help([role, port, connections]: readonly string[]): Promise<void> {
  if (role === 'service') {
    process.send?.(await startStandIn())
    return
  }
  const { state } = attack(Number(port), Number(connections))
  setInterval(() => process.send?.(state()), 250)
}

function atLeastOne(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.')
  return Number(text)
}

await new Command('bench:hostile')
  .description('honest requests through the gateway among slow hostile connections; exit code 1 if they wait too long')
  .option('--hostile <n>', 'connections that send or read as slowly as they can', atLeastOne, 1_000)
  .option('--rate <n>', 'honest requests a second', atLeastOne, 500)
  .option('--seconds <n>', 'how long each half is measured', atLeastOne, 30)
  .option('--json', 'print one JSON document')
  .addOption(new Option('--as <words...>', 'a process of this program').hideHelp())
  .action(async (options: Options & { as?: readonly string[] }) => {
    if (options.as) return help(options.as)
    process.exitCode = (await measure(options)) ? 0 : 1
  })
  .parseAsync()
