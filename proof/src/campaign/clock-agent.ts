// Loaded into a service's process before anything else (node --import): its clock is off by what a file says, read at the start and on SIGUSR2.
import { readFileSync } from 'node:fs'

// biome-ignore lint/style/noProcessEnv: it runs before any program could read its configuration
const file = process.env['CAMPAIGN_CLOCK_FILE'] ?? ''
const realNow = Date.now
let shiftMs = 0

const read = () => {
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) || 0
  } catch {
    shiftMs = 0 // no file: the clock is right
  }
}
const now = () => realNow() + shiftMs

read()
process.on('SIGUSR2', read)
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new Date(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
})
