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
  /** From `healedAt`, in ms; undefined when it never was. */
  readonly readyMs: number | undefined
}

/**
 * Does the faults of one wave, heals them, and measures the recovery of each: from its healing until its processes are ready, and from the wave's last
 * healing until a purchase begun after it is confirmed, whichever is longer. Before that last healing a purchase would tell about the other faults.
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
      readyMs: await readyAfter(rig, injected.instances, healedAt),
    }))
    return { healed, done }
  }
  const started = await Promise.all(faults.map(one))
  await Promise.all(started.map(({ healed }) => healed))
  const lastHealedAt = Math.max(...(await Promise.all(started.map(({ healed }) => healed))))
  const sold = await probe.untilConfirmed(RECOVERY_LIMIT_MS)
  const soldMs = sold ? Date.now() - lastHealedAt : undefined
  const done = await Promise.all(started.map((each) => each.done))
  return done.map(({ fault, did, injectedAt, healedAt, readyMs }) => ({
    ...fault,
    did,
    injectedAt,
    healedAt,
    overshadowed: faults.some(({ number, kind }) => number !== fault.number && kinds.get(kind)?.hitsAll === true),
    recoveryMs: soldMs === undefined || readyMs === undefined ? null : Math.max(soldMs, readyMs),
  }))
}

/** @returns from when its recovery counts */
async function heal(injected: Injected, { durationMs }: PlannedFault, injectedAt: number): Promise<number> {
  await pause(durationMs)
  await injected.heal()
  return injected.recoveryFrom === 'fault' ? injectedAt : Date.now()
}

async function readyAfter(rig: Rig, ids: readonly string[], healedAt: number): Promise<number | undefined> {
  const ready = (id: string) =>
    until(() => instanceOf(rig, id).isReady(), { withinMs: RECOVERY_LIMIT_MS, what: `${id} is ready` })
  return Promise.all(ids.map(ready)).then(
    () => Date.now() - healedAt,
    () => undefined,
  )
}
