import { registerHooks } from 'node:module'
import { type Bug, bugs } from './bugs.ts'

const ROOT = new URL('../../../', import.meta.url).href

/** Loads the product with the bug in it: a few characters of one source file are others from now on, in this thread only. */
export function plant(name: string): void {
  const bug = bugs.find((candidate) => candidate.name === name)
  if (!bug) throw new Error(`There is no planted bug ${name}; there are ${bugs.map((known) => known.name).join(', ')}`)
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context)
      return url === `${ROOT}${bug.file}` ? { ...loaded, source: spoiled(String(loaded.source), bug) } : loaded
    },
  })
}

/** @throws Error when the code has moved on and the bug has lost its place */
function spoiled(source: string, { name, file, find, replace }: Bug): string {
  const parts = source.split(find)
  if (parts.length !== 2)
    throw new Error(`${file} has ${parts.length - 1} places for the planted bug ${name} instead of one`)
  return parts.join(replace)
}
