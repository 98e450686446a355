import { until } from '@micromart/testkit/until'
import type { Rig } from '../rig/rig.ts'
import { instanceOf, instancesOf, nothingToHeal, numberIn, type RigFault } from './fault.ts'

const BACK_WITHIN_MS = 30_000

/** A process that is being restarted right now gets its signal when it is there. */
const send = (rig: Rig, id: string, signal: NodeJS.Signals) =>
  until(async () => instanceOf(rig, id).signal(signal), { withinMs: BACK_WITHIN_MS, what: `${id} runs` })

/** Resolves when the process is gone: until then it would be taken for the one that comes after it. */
async function kill(rig: Rig, id: string): Promise<void> {
  const { supervised } = instanceOf(rig, id)
  await until(async () => supervised.pid() !== undefined, { withinMs: BACK_WITHIN_MS, what: `${id} runs` })
  const pid = supervised.pid()
  instanceOf(rig, id).signal('SIGKILL')
  await until(async () => supervised.pid() !== pid, { what: `${id} is gone` })
}

/** Longer than the lease of a claimed timer, which is a minute. */
const PAST_A_LEASE_MS = 65_000

const claimsItself = (target: string) => [target]

export const processFaults: readonly RigFault[] = [
  {
    name: 'kill-instance',
    meaning: 'kill -9 of one process; its supervisor starts it again. Healed when it takes requests.',
    cards: 8,
    draw: (random, { instances }) => ({ target: random.pick(instances), durationMs: 0 }),
    claims: claimsItself,
    inject: async (rig, { target }) => {
      await kill(rig, target)
      return { did: 'killed', heal: nothingToHeal, recoveryFrom: 'fault', instances: [target] }
    },
  },
  {
    name: 'kill-service',
    meaning: 'kill -9 of all processes of a service at once. Healed when all of them take requests.',
    cards: 4,
    draw: (random, { services }) => ({ target: random.pick(services), durationMs: 0 }),
    claims: instancesOf,
    inject: async (rig, { target }) => {
      const mine = rig.instances.filter(({ service }) => service === target).map(({ id }) => id)
      await Promise.all(mine.map((id) => kill(rig, id)))
      return { did: `killed ${mine.length} processes`, heal: nothingToHeal, recoveryFrom: 'fault', instances: mine }
    },
  },
  {
    name: 'restart-instance',
    meaning: 'SIGTERM, an orderly end, and a new start. Healed when the start is asked for.',
    cards: 5,
    draw: (random, { instances }) => ({ target: random.pick(instances), durationMs: 0 }),
    claims: claimsItself,
    inject: async (rig, { target }) => {
      const restarted = instanceOf(rig, target).restart()
      return { did: 'restarted', heal: () => restarted, recoveryFrom: 'healing', instances: [target] }
    },
  },
  {
    name: 'freeze',
    meaning: 'SIGSTOP and later SIGCONT, now and then past the lease of a claimed timer. Healed when it runs on.',
    cards: 5,
    draw: (random, { instances }) => ({
      target: random.pick(instances),
      durationMs: random.chance(0.01) ? PAST_A_LEASE_MS : random.between(300, 4_000),
    }),
    claims: claimsItself,
    inject: async (rig, { target }) => {
      await send(rig, target, 'SIGSTOP')
      const goOn = async () => void instanceOf(rig, target).signal('SIGCONT')
      return { did: 'stopped', heal: goOn, recoveryFrom: 'healing', instances: [target] }
    },
  },
  {
    name: 'clock-jump',
    meaning: 'The clock of one process is wrong, forward or back, by up to a minute. Healed when it is right again.',
    cards: 5,
    draw: (random, { instances }) => ({
      target: random.pick(instances),
      durationMs: random.between(300, 3_000),
      how: { shiftMs: random.pick([-1, 1]) * random.between(500, 60_000) },
    }),
    claims: claimsItself,
    inject: async (rig, fault) => {
      const instance = instanceOf(rig, fault.target)
      const shiftMs = numberIn(fault, 'shiftMs')
      instance.shiftClock(shiftMs)
      return {
        did: `clock ${shiftMs > 0 ? 'forward' : 'back'} by ${Math.abs(shiftMs)} ms`,
        heal: async () => instance.shiftClock(0),
        recoveryFrom: 'healing',
        instances: [fault.target],
      }
    },
  },
]
