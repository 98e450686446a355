import type { OwnScene, Scene } from './scene.ts'
import type { Tally } from './tally.ts'

interface Described {
  readonly name: string
  /** What was reported of well-known platforms. */
  readonly fault: string
  readonly done: string
  readonly holds: string
  /** How often it is tried unless told otherwise. */
  readonly rounds: number
}

/** Runs against any shop, through its public API alone. */
interface OpenRace extends Described {
  readonly shop: 'any'
  /** Why this shop cannot be tried at all. */
  unavailable?(scene: Scene): Promise<string | undefined>
  run(scene: Scene, tally: Tally, round: number): Promise<void>
}

/** Needs to kill the shop or to know its secrets; `ours-impatient` is one with short time-outs. */
interface OwnRace extends Described {
  readonly shop: 'ours' | 'ours-impatient'
  run(scene: OwnScene, tally: Tally, round: number): Promise<void>
}

/** A fault that was reported of others, as something to be done to this shop, and what must hold then. */
export type Race = OpenRace | OwnRace
