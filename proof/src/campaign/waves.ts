import { until } from '@micromart/testkit/until'
import type { Injected, RigFault } from './faults/fault.ts'
import { instanceOf } from './faults/fault.ts'
import type { FaultRecord } from './journal.ts'
import type { PlannedFault } from './plan.ts'
import type { Probe } from './probe.ts'
import type { Rig } from './rig/rig.ts'

/** A fault that has not been recovered from within this is reported as never. */
const RECOVERY_LIMIT_MS = 90_000

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

interface Done {
  readonly fault: PlannedFault
  readonly did: string
  readonly injectedAt: number
  readonly healedAt: number
  /** When each process that was hurt took requests again; undefined for one that never did. */
  readonly readyAt: ReadonlyMap<string, number | undefined>
}

/**
 * Does the faults of one wave, heals them, and measures the recovery of each: until its processes are ready, from the last healing of any fault that hurts
 * the same process; and from the wave's last healing until a purchase begun after it is confirmed. The longer counts; before those healings it would tell
 * about the other faults.
 */
export async function runWave(
  faults: readonly PlannedFault[],
  parts: { rig: Rig; kinds: ReadonlyMap<string, RigFault>; probe: Probe; active: Set<number> },
): Promise<readonly FaultRecord[]> {
  const { rig, kinds, probe, active } = parts
  const one = async (fault: PlannedFault): Promise<{ healed: Promise<number>; done: Promise<Done> }> => {
    await pause(fault.afterMs)
    const kind = kinds.get(fault.kind)
    if (!kind) throw new Error(`There is no fault called ${fault.kind}`)
    active.add(fault.number)
    const injected = await kind.inject(rig, fault)
    const injectedAt = Date.now()
    const healed = heal(injected, fault, injectedAt).finally(() => active.delete(fault.number))
    const done = healed.then(async (healedAt) => ({
      fault,
      did: injected.did,
      injectedAt,
      healedAt,
      readyAt: await readyAt(rig, injected.instances),
    }))
    return { healed, done }
  }
  const started = await Promise.all(faults.map(one))
  await Promise.all(started.map(({ healed }) => healed))
  const lastHealedAt = Math.max(...(await Promise.all(started.map(({ healed }) => healed))))
  const sold = await probe.untilConfirmed(RECOVERY_LIMIT_MS)
  const soldMs = sold ? Date.now() - lastHealedAt : undefined
  const done = await Promise.all(started.map((each) => each.done))
  return done.map((one) => {
    const { fault, did, injectedAt, healedAt } = one
    const readyMs = readyAfter(one, done)
    return {
      ...fault,
      did,
      injectedAt,
      healedAt,
      overshadowed: faults.some(({ number, kind }) => number !== fault.number && kinds.get(kind)?.hitsAll === true),
      recoveryMs: soldMs === undefined || readyMs === undefined ? null : Math.max(soldMs, readyMs),
    }
  })
}

/** @returns from when its recovery counts */
async function heal(injected: Injected, { durationMs }: PlannedFault, injectedAt: number): Promise<number> {
  await pause(durationMs)
  await injected.heal()
  return injected.recoveryFrom === 'fault' ? injectedAt : Date.now()
}

const readyAt = async (rig: Rig, ids: readonly string[]): Promise<ReadonlyMap<string, number | undefined>> =>
  new Map(
    await Promise.all(
      ids.map(async (id) => {
        const ready = until(() => instanceOf(rig, id).isReady(), {
          withinMs: RECOVERY_LIMIT_MS,
          what: `${id} is ready`,
        })
        return [
          id,
          await ready.then(
            () => Date.now(),
            () => undefined,
          ),
        ] as const
      }),
    ),
  )

/** How long its slowest process took, each counted from when no fault of the wave hurt it any more; undefined when one never came back. */
export function readyAfter(
  one: Pick<Done, 'healedAt' | 'readyAt'>,
  all: readonly Pick<Done, 'healedAt' | 'readyAt'>[],
): number | undefined {
  const times = [...one.readyAt].map(([id, at]) => {
    const unhurtAt = Math.max(
      one.healedAt,
      ...all.filter(({ readyAt }) => readyAt.has(id)).map(({ healedAt }) => healedAt),
    )
    return at === undefined ? undefined : Math.max(0, at - unhurtAt)
  })
  return times.includes(undefined) ? undefined : Math.max(0, ...times.flatMap((ms) => ms ?? []))
}
