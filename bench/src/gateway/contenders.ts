import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unlimited } from '@micromart/proof/unlimited'
import { serviceNames } from '@micromart/service-kit/service'
import { pinned } from './cores.ts'
import type { Settings } from './settings.ts'

export const contenderNames = [
  'ours',
  'ours-cached',
  'undici',
  'fastify',
  'express',
  'express-kept',
  'nginx',
  'memory',
] as const
export type ContenderName = (typeof contenderNames)[number]

export interface Contender {
  readonly title: string
  readonly path: string
  /** How its token is signed, if it checks one. */
  readonly token: 'EdDSA' | 'HS256' | undefined
  /** Which process it is; two rows may share one. */
  readonly process: ProcessName
}

type ProcessName = Exclude<ContenderName, 'ours-cached'> | 'service'

const PRIVATE_PATH = '/api/v1/orders?limit=20'
const PUBLIC_PATH = '/api/v1/products?limit=20'

export const contenders: Readonly<Record<ContenderName, Contender>> = {
  ours: { title: 'our gateway', path: PRIVATE_PATH, token: 'EdDSA', process: 'ours' },
  'ours-cached': { title: 'our gateway, public read', path: PUBLIC_PATH, token: undefined, process: 'ours' },
  undici: { title: 'raw undici dispatch', path: PRIVATE_PATH, token: 'EdDSA', process: 'undici' },
  fastify: { title: '@fastify/http-proxy', path: PRIVATE_PATH, token: 'HS256', process: 'fastify' },
  express: { title: 'Express, of the books', path: PRIVATE_PATH, token: 'HS256', process: 'express' },
  'express-kept': {
    title: 'Express, kept connections',
    path: PRIVATE_PATH,
    token: 'HS256',
    process: 'express-kept',
  },
  nginx: { title: 'NGINX', path: PRIVATE_PATH, token: 'EdDSA', process: 'nginx' },
  memory: { title: 'bare Node from memory', path: PRIVATE_PATH, token: 'EdDSA', process: 'memory' },
}

const file = (name: string) => fileURLToPath(new URL(`contenders/${name}.ts`, import.meta.url))
const MICROMART = fileURLToPath(new URL('../../../apps/micromart/src/main.ts', import.meta.url))

const programs: Readonly<Record<Exclude<ProcessName, 'ours' | 'nginx'>, string>> = {
  service: file('service'),
  undici: file('undici-dispatch'),
  fastify: file('fastify-http-proxy'),
  express: file('express'),
  'express-kept': file('express'),
  memory: file('memory'),
}

export const hasNginx = () => spawnSync('nginx', ['-v']).status === 0

/** Starts one process on its core and waits until it answers. */
export async function startContender(
  name: ProcessName,
  options: {
    settings: Settings
    dir: string
    core: number | undefined
    environment?: Readonly<Record<string, string>>
  },
): Promise<ChildProcess> {
  const { settings, dir, core } = options
  const settingsFile = join(dir, `${name}.json`)
  writeFileSync(settingsFile, JSON.stringify(settings))
  const { command, args, environment } = commandOf(name, { settings, settingsFile, dir })
  // biome-ignore lint/style/noProcessEnv: it has to find its own programs
  const { PATH = '' } = process.env
  const own = pinned(core, command, args)
  const child = spawn(own.command, own.args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH, ...environment, ...options.environment },
  })
  await answering(settings.port, child, name)
  return child
}

function commandOf(name: ProcessName, parts: { settings: Settings; settingsFile: string; dir: string }) {
  const { settings, settingsFile, dir } = parts
  const node = process.execPath
  if (name === 'ours')
    return { command: node, args: [MICROMART, 'serve', 'gateway'], environment: gatewayEnvironment(settings) }
  if (name === 'nginx')
    return { command: 'nginx', args: ['-p', dir, '-c', nginxConfig(settings, dir), '-e', 'stderr'], environment: {} }
  return { command: node, args: [programs[name], settingsFile, name], environment: {} }
}

/** As in production, but that no limit is met. */
function gatewayEnvironment({ port, upstreamPort, metricsPort }: Settings): Record<string, string> {
  const service = `http://127.0.0.1:${upstreamPort}`
  return {
    PORT: String(port),
    JWKS_URL: `${service}/.well-known/jwks.json`,
    USER_GRPC_URL: 'http://127.0.0.1:9',
    INTERNAL_TOKEN: 'bench',
    ...unlimited,
    LOG_LEVEL: 'info',
    METRICS_PORT: String(metricsPort),
    RATE_LIMITS: 'all=999999/1',
    ...Object.fromEntries(serviceNames.map((each) => [`${each.toUpperCase()}_URL`, service])),
  }
}

/** One worker with kept connections and a limit; it knows no tokens. */
function nginxConfig({ port, upstreamPort }: Settings, dir: string): string {
  const path = join(dir, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${dir};`)
  writeFileSync(
    path,
    `daemon off; worker_processes 1; pid ${dir}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off; ${temporary.join(' ')}
  keepalive_requests 1000000000;
  limit_req_zone $binary_remote_addr zone=each:10m rate=1000000r/s;
  upstream service { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      limit_req zone=each burst=100000 nodelay;
      proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    }
  }
}
`,
  )
  return path
}

const START_MS = 20_000

async function answering(port: number, child: ChildProcess, name: string): Promise<void> {
  const giveUpAt = performance.now() + START_MS
  for (;;)
    try {
      await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1_000) })
      return
    } catch (error) {
      if (child.exitCode !== null || performance.now() > giveUpAt)
        throw new Error(`${name} does not answer`, { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
}
