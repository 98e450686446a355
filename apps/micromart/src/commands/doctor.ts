import { execFile } from 'node:child_process'
import { mkdir, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { findBinaries } from '@micromart/embedded-postgres/binaries'
import { Command } from 'commander'
import { explain } from '../fault.ts'
import { checkPortIsFree } from '../start/ports.ts'
import { portOption } from './options.ts'

interface Check {
  readonly name: string
  /** What was found; throws with the way out when it is not good enough. */
  run(): Promise<string>
}

const MIB = 1024 * 1024
const NEEDED_DISK_MIB = 500
const NEEDED_MEMORY_MIB = 350

export const doctorCommand = (finish: (code: number) => void): Command =>
  new Command('doctor')
    .description('check whether this machine can run the shop, and say what to do if not')
    .option('--port <n>', 'the port that the gateway shall have', portOption, 3000)
    .option('--data <dir>', 'where the data shall be', '.data')
    .option('--json', 'print one JSON document')
    .action(async (options: { port: number; data: string; json?: true }) => {
      const results = []
      for (const { name, run } of checks(options)) results.push(await outcome(name, run))
      const ok = results.every((result) => result.ok)
      console.log(options.json ? JSON.stringify({ ok, checks: results }) : results.map(asLine).join('\n'))
      finish(ok ? 0 : 1)
    })

const asLine = ({ ok, name, text }: Outcome) => `${ok ? 'ok  ' : 'FAIL'}  ${name}: ${text}`

interface Outcome {
  readonly name: string
  readonly ok: boolean
  readonly text: string
}

async function outcome(name: string, run: Check['run']): Promise<Outcome> {
  try {
    return { name, ok: true, text: await run() }
  } catch (error) {
    return { name, ok: false, text: explain(error) ?? (error instanceof Error ? error.message : String(error)) }
  }
}

const checks = ({ port, data }: { port: number; data: string }): readonly Check[] => [
  { name: 'Node', run: async () => process.version },
  {
    name: 'npm',
    run: async () =>
      (await promisify(execFile)('npm', ['--version'], { shell: process.platform === 'win32' })).stdout.trim(),
  },
  {
    name: 'embedded PostgreSQL',
    run: async () => {
      findBinaries()
      return 'its binaries are here'
    },
  },
  {
    name: 'gateway port',
    run: async () => {
      await checkPortIsFree(port)
      return `${port} is free`
    },
  },
  { name: 'disk', run: () => checkDisk(data) },
  { name: 'memory', run: async () => checkMemory() },
]

async function checkDisk(data: string): Promise<string> {
  await mkdir(resolve(data), { recursive: true })
  const { bavail, bsize } = await statfs(resolve(data))
  const free = Math.floor((bavail * bsize) / MIB)
  if (free < NEEDED_DISK_MIB)
    throw new Error(
      `only ${free} MiB are free in ${data}; ${NEEDED_DISK_MIB} are needed: free some, or choose another place with --data`,
    )
  return `${free} MiB free in ${data}`
}

function checkMemory(): string {
  const free = Math.floor(freemem() / MIB)
  if (free < NEEDED_MEMORY_MIB)
    throw new Error(`only ${free} MiB of memory are free; the shop needs ${NEEDED_MEMORY_MIB}: close something`)
  return `${free} MiB free`
}
