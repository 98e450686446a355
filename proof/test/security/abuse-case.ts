import type { Scene } from './scene.ts'

export const areas = [
  'Tokens',
  'Access',
  'Money',
  'Payment',
  'Protocol',
  'Exhaustion',
  'Accounts',
  'Injection',
  'Privacy',
] as const
export type Area = (typeof areas)[number]

/** Whoever is attacked: the shop through its gateway, or something that lacks the protection. */
export interface Target {
  readonly url: string
}

/** What one blow brought. */
export interface Blow {
  readonly what: string
  /** The attacker got what was wanted. */
  readonly won: boolean
  /** What was answered, such as `401 auth.invalid-token`. */
  readonly answer: string
}

/** An attack that is made through the gateway, and the same attack on something unprotected, where it must succeed. */
export interface Attack {
  readonly area: Area
  readonly name: string
  /** What the unprotected one does, in words. */
  readonly control: string
  /** What the shop may answer; a refusal for another reason would say nothing. */
  readonly refusals: readonly (string | RegExp)[]
  attack(target: Target, scene: Scene): Promise<readonly Blow[]>
  openUnprotected(scene: Scene): Promise<Target & { close(): Promise<void> }>
}

/** A case that another test of this repository makes already, with what shows that it can fail. */
export interface CoveredCase {
  readonly area: Area
  readonly name: string
  readonly control: string
  readonly file: string
  /** How the test is called there. */
  readonly test: string
}
