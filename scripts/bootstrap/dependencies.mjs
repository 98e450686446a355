import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireDiskSpace } from './disk-space.mjs'
import { Fault, faultFrom } from './fault.mjs'
import { runNpm, say } from './npm.mjs'
import { hasGlibc, projectDir } from './project.mjs'

const STEP = 'Installing the dependencies'
const SIZES_MB = { prod: 150, all: 450 }

const lockfilePath = join(projectDir, 'package-lock.json')
const installedPath = join(projectDir, 'node_modules', '.package-lock.json') // npm's own account of what it installed
const markerPath = join(projectDir, 'node_modules', '.micromart-installed.json')

/** Installs what package-lock.json asks for, unless it is there. `needs` is 'prod' or 'all'; 'all' serves both. */
export async function ensureDependencies(needs) {
  const lock = createHash('sha256').update(readFileSync(lockfilePath)).digest('hex')
  const marker = readJson(markerPath)
  if (marker?.lock === lock && (marker.mode === 'all' || marker.mode === needs)) return
  if (missingPackages(needs).length > 0) await install(needs)
  remember({ lock, mode: needs })
}

async function install(needs) {
  say(`Installing the dependencies${needs === 'all' ? ' and the development tools' : ''} (once)`)
  requireDiskSpace(SIZES_MB[needs], STEP)
  const omit = needs === 'all' ? ['--include=dev'] : ['--omit=dev']
  const duration = await runNpm(['ci', ...omit, '--include=optional'], { dir: projectDir, step: STEP })
  const [missing] = missingPackages(needs)
  if (missing !== undefined)
    throw new Fault(`${STEP} failed: npm could not get ${missing}. Check the network and start again.`)
  say(`Dependencies installed (${duration})`)
}

/**
 * What package-lock.json wants on this machine and npm has not installed. Asked before, because somebody may have run
 * npm by hand; and after, because npm takes a failed download of an optional package (the database!) for a success.
 */
function missingPackages(needs) {
  const present = readJson(installedPath)?.packages ?? {}
  return Object.entries(readJson(lockfilePath).packages)
    .filter(([path, wanted]) => path.includes('node_modules/') && isNeeded(wanted, needs))
    .filter(([path, wanted]) => present[path] === undefined || present[path].version !== wanted.version)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
}

function isNeeded({ dev, devOptional, optional, peer, os, cpu, libc }, needs) {
  if (peer || (needs === 'prod' && (dev || devOptional))) return false
  if (optional && os === undefined) return false // needed only by another platform's package
  return fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, hasGlibc() ? 'glibc' : 'musl')
}

function fits(wanted, have) {
  return wanted === undefined || wanted.includes(have)
}

function remember(state) {
  try {
    writeFileSync(markerPath, JSON.stringify(state))
  } catch (error) {
    if (error.code === 'ENOSPC') throw faultFrom(STEP, String(error))
    // Another user's node_modules: complete, but not ours to mark. It is only looked through again next time.
  }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined // missing or cut off
  }
}
