import { statfsSync } from 'node:fs'
import { Fault } from './fault.mjs'
import { projectDir } from './project.mjs'

/** npm calls an install that ran out of space half-way a success, where the package was optional: look before. */
export function requireDiskSpace(megabytes, step) {
  const { bavail, bsize } = statfsSync(projectDir)
  if ((bavail * bsize) / 1e6 >= megabytes) return
  throw new Fault(
    `${step} needs about ${megabytes} MB in ${projectDir}, and the disk is full: free some space and start again.`,
  )
}
