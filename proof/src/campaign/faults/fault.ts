import type { FaultKind, PlannedFault, Shape } from '../plan.ts'
import type { Rig } from '../rig/rig.ts'

/** A fault that is there now. */
export interface Injected {
  /** What was done, for the record. */
  readonly did: string
  /** Ends it; where a supervisor repairs by itself there is nothing to do. */
  heal(): Promise<void>
  /** Recovery counts from the healing, or from the fault itself where nobody of ours heals. */
  readonly recoveryFrom: 'healing' | 'fault'
  /** Who has to be ready again. */
  readonly instances: readonly string[]
}

/** A kind of fault that can be done to a rig. */
export interface RigFault extends FaultKind {
  /** One sentence: what it is, and what healed means. */
  readonly meaning: string
  /** Why it cannot be done here. */
  unavailable?(rig: Rig): string | undefined
  /** Resolves when the fault is there. */
  inject(rig: Rig, fault: PlannedFault): Promise<Injected>
}

export const instancesOf = (service: string, { instances }: Shape): readonly string[] =>
  instances.filter((id) => id.slice(0, id.lastIndexOf('-')) === service)

/** Something that may not happen, found by a fault itself. */
export class Violation extends Error {}

export const linksTo = (server: string, { links }: Shape): readonly string[] =>
  links.filter((link) => link.endsWith(`>${server}`))

/** The process at the client's end of a link; undefined where everybody is. */
export const clientOf = (link: string, { instances }: Pick<Shape, 'instances'>): string | undefined =>
  instances.find((id) => id === link.split('>')[0])

export const instanceOf = (rig: Rig, id: string) => {
  const instance = rig.instances.find((candidate) => candidate.id === id)
  if (!instance) throw new Error(`There is no instance ${id}`)
  return instance
}

export const numberIn = ({ how }: PlannedFault, name: string): number => Number(how?.[name] ?? 0)

export const nothingToHeal = async (): Promise<void> => {}
