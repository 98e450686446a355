import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Another version of the project, ready to run. */
export interface OldVersion {
  readonly commit: string
  readonly subject: string
  /** Its `micromart` program. */
  readonly program: string
}

const run = promisify(execFile)
const project = fileURLToPath(new URL('../../../', import.meta.url))
const git = async (...args: string[]) => (await run('git', args, { cwd: project })).stdout.trim()

const MIGRATIONS = ['packages/postgres/migrations', ':(glob)services/*/migrations/**']
/** A version without this knows one address of each service, and could not be started beside others. */
const KNOWS_INSTANCES = 'packages/kernel/src/instances.ts'

/** Lays out a version under ~/.cache/micromart, with its own dependencies, once. */
export async function oldVersion(ref: string | undefined, onProgress: (line: string) => void): Promise<OldVersion> {
  const named = ref ?? (await lastWithOtherMigrations())
  const commit = await git('rev-parse', '--verify', '--quiet', `${named}^{commit}`).catch(() => {
    throw new Error(`There is no version ${named}: name a commit or a tag of this repository with --from.`)
  })
  await git('cat-file', '-e', `${commit}:${KNOWS_INSTANCES}`).catch(() => {
    throw new Error(`Version ${named} knows only one instance of each service. Name a later one with --from.`)
  })
  const dir = join(homedir(), '.cache', 'micromart', 'versions', commit) // Node runs no TypeScript below node_modules
  if (!existsSync(dir)) await layOut(commit, dir, onProgress)
  return {
    commit: commit.slice(0, 7),
    subject: await git('log', '-1', '--format=%s', commit),
    program: join(dir, 'apps/micromart/src/main.ts'),
  }
}

/** The newest version whose tables are not those of the files here. */
async function lastWithOtherMigrations(): Promise<string> {
  const changed = await git('status', '--porcelain', '--', ...MIGRATIONS)
  return changed === '' ? `${await git('log', '-1', '--format=%H', '--', ...MIGRATIONS)}^` : 'HEAD'
}

async function layOut(commit: string, dir: string, onProgress: (line: string) => void) {
  onProgress(`Version ${commit.slice(0, 7)}: unpacking it and installing its dependencies, once`)
  const unfinished = `${dir}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  const archive = `${dir}.tar`
  await git('archive', '--output', archive, commit)
  await run('tar', ['-xf', archive, '-C', unfinished])
  await rm(archive)
  await run('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: unfinished })
  await rename(unfinished, dir)
}
