import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, statfs } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A directory whose disk can be full on command. */
export interface SmallDisk {
  /** Why it cannot be filled, when it cannot. */
  readonly unavailable: string | undefined
  fill(): Promise<void>
  free(): Promise<void>
  /** Moves what is on it to the place that stays, and lets it go. */
  keep(): Promise<void>
  remove(): Promise<void>
}

/** What a campaign writes in a day fits in easily. Memory is taken only as it fills. */
const SIZE = '8g'

/** Mounts a file system in memory at `dir`, with what was kept of an earlier one, or finds the one that is there from before; without the right to mount it is a plain directory. */
export async function openSmallDisk(dir: string, keptAt: string): Promise<SmallDisk> {
  await mkdir(dir, { recursive: true })
  const reason = (await isMounted(dir)) ? undefined : await mount(dir)
  if (existsSync(keptAt)) {
    await copy(keptAt, dir)
    await rm(keptAt, { recursive: true })
  }
  const resize = (size: string) => run('mount', ['-o', `remount,size=${size}`, dir])
  const letGo = async () => {
    if (reason === undefined) await run('umount', [dir])
    await rm(dir, { recursive: true, force: true })
  }
  if (reason === undefined) await resize(SIZE) // a campaign that was killed may have left it full
  return {
    unavailable: reason,
    // the limit comes down to what is used: as good as a ballast file, and no memory is needed for it
    fill: async () => {
      for (let attempt = 1; ; attempt += 1)
        try {
          const { blocks, bfree, bsize } = await statfs(dir)
          return void (await resize(String((blocks - bfree) * bsize)))
        } catch (error) {
          if (attempt === 10) throw error // it grew in between
        }
    },
    free: async () => void (reason === undefined && (await resize(SIZE))),
    keep: async () => {
      await mkdir(keptAt)
      await copy(dir, keptAt)
      await letGo()
    },
    remove: letGo,
  }
}

/** With owners: PostgreSQL does not run on files of somebody else. */
const copy = (from: string, to: string) => run('cp', ['-a', `${from}/.`, to])

const isMounted = async (dir: string) =>
  (await readFile('/proc/mounts', 'utf8').catch(() => '')).split('\n').some((line) => line.split(' ')[1] === dir)

async function mount(dir: string): Promise<string | undefined> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=755`, 'tmpfs', dir])
    return undefined
  } catch {
    return 'a file system of its own cannot be mounted here (that needs root on Linux)'
  }
}
