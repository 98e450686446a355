import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TOKEN_AUDIENCE, TOKEN_ISSUER } from '@micromart/http-kit/identity'
import { freePorts } from '@micromart/testkit/free-ports'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type Contender, startContender } from './contenders.ts'
import type { Cores } from './cores.ts'
import type { Settings } from './settings.ts'

/** The service, the tokens, and whatever was started in front of the service. */
export interface Scene {
  /** Starts a gateway, or whatever answers in place of one. @returns its port */
  start(name: Contender['process'], environment?: Readonly<Record<string, string>>): Promise<Started>
  /** The request that a contender is asked, as it is sent. */
  requestOf(contender: Contender): string
  close(): Promise<void>
}

export interface Started {
  readonly port: number
  readonly process: ChildProcess
}

const HOURS = 3_600

export async function openScene(cores: Cores, gatewayCore: number | undefined = cores.gateway): Promise<Scene> {
  const dir = await mkdtemp(join(tmpdir(), 'micromart-bench-gateway-'))
  const secret = randomBytes(32).toString('hex')
  const { tokens, jwks } = await makeTokens(secret)
  const ports = [...(await freePorts(10))]
  const nextPort = () => ports.pop() ?? 0
  const base = { upstreamPort: nextPort(), metricsPort: nextPort(), body: answerBody(), secret, jwks }
  const started: ChildProcess[] = []

  const start = async (
    name: Contender['process'],
    core: number | undefined,
    extra: { port: number; environment?: Readonly<Record<string, string>> },
  ) => {
    const settings: Settings = { ...base, port: extra.port }
    const child = await startContender(name, { settings, dir, core, environment: extra.environment ?? {} })
    started.push(child)
    return { port: extra.port, process: child }
  }

  await start('service', cores.upstream, { port: base.upstreamPort })
  return {
    start: (name, environment = {}) => start(name, gatewayCore, { port: nextPort(), environment }),
    requestOf: ({ path, token }) => rawRequest(path, token && tokens[token]),
    close: async () => {
      await Promise.all(started.map(end))
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 12_000)
  await ended
  clearTimeout(timer)
}

async function makeTokens(secret: string) {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'EdDSA', use: 'sig' }]
  const unsigned = () =>
    new SignJWT({ roles: ['customer'], sid: '0193b3a0-0000-7000-8000-000000000002' })
      .setSubject('0193b3a0-0000-7000-8000-000000000001')
      .setIssuer(TOKEN_ISSUER)
      .setAudience(TOKEN_AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(Math.floor(Date.now() / 1_000) + 12 * HOURS)
  const tokens = {
    EdDSA: await unsigned().setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'bench' }).sign(privateKey),
    HS256: await unsigned().setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(Buffer.from(secret)),
  }
  return { tokens, jwks: JSON.stringify({ keys }) }
}

/** What a browser's or an app's client would send, more or less. */
function rawRequest(path: string, token: string | undefined): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: shop.example',
    'Accept: application/json',
    'User-Agent: micromart-bench/1',
    'Accept-Language: en',
    ...(token ? [`Authorization: Bearer ${token}`] : []),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** A page of a list, a little over 1 KB. */
const answerBody = () =>
  JSON.stringify({
    items: Array.from({ length: 6 }, (_, index) => ({
      id: `0193b3a0-0000-7000-8000-00000000000${index}`,
      number: `MM-10000${index}`,
      status: 'confirmed',
      total: { minor: 1_999 + index, currency: 'EUR' },
      placedAt: '2026-11-21T12:00:00.000Z',
      lines: 2,
    })),
    nextCursor: null,
  })
