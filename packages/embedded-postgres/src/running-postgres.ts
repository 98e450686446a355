import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'

/** The superuser's URL of the server that somebody else runs on this data directory now; undefined when none answers. */
export async function runningPostgresUrl(dataDir: string): Promise<string | undefined> {
  const passwordFile = join(dataDir, 'password')
  const pidFile = join(dataDir, 'cluster', 'postmaster.pid')
  if (!existsSync(join(dataDir, 'owner')) || !existsSync(passwordFile) || !existsSync(pidFile)) return undefined
  const port = Number(readFileSync(pidFile, 'utf8').split('\n')[3]) // line 4 of postmaster.pid
  if (!(await answers(port))) return undefined
  return `postgres://postgres:${readFileSync(passwordFile, 'utf8').trim()}@127.0.0.1:${port}/postgres`
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
