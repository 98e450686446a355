import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Program, startProgram } from '@micromart/proof/program'
import { unlimited } from '@micromart/proof/unlimited'
import { freePortRange } from '@micromart/testkit/free-ports'
import { assertHolds, besiege } from './siege.ts'

describe('kill -9 in the middle of 200 checkouts: one process', () => {
  test('the process, which leaves its database behind', (t) => siegeOf(t, (program) => program.kill('SIGKILL')))

  test('the process and its database', (t) =>
    siegeOf(t, async (program, dataDir) => {
      process.kill(postmasterOf(dataDir), 'SIGKILL')
      await program.kill('SIGKILL')
    }))
})

interface Context {
  after(cleanUp: () => Promise<unknown>): void
}

async function siegeOf(t: Context, blow: (program: Program, dataDir: string) => Promise<void>) {
  const dataDir = await mkdtemp(join(tmpdir(), 'micromart-kill-'))
  const port = await freePortRange()
  const start = async () => {
    const program = startProgram(['start', '--port', String(port), '--data', dataDir], {
      LOG_LEVEL: 'warn',
      ...unlimited,
    })
    await program.says('MicroMart is ready')
    return program
  }
  let program = await start()
  t.after(async () => {
    await program.kill('SIGTERM')
    await rm(dataDir, { recursive: true, force: true })
  })
  assertHolds(
    await besiege({
      url: `http://127.0.0.1:${port}`,
      dataDir,
      name: 'process',
      blow: async () => {
        await blow(program, dataDir)
        program = await start()
      },
    }),
  )
}

function postmasterOf(dataDir: string): number {
  const [file = ''] = globSync('postgres/**/postmaster.pid', { cwd: dataDir })
  return Number(readFileSync(join(dataDir, file), 'utf8').split('\n')[0])
}
