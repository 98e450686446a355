import type { Random } from '../random.ts'

/** Whether a target took an input or refused it in the documented way; a target that only ever does one of them is not tested. */
export type Verdict = 'accepted' | 'refused'

/** One parser under fire. */
export interface FuzzTarget {
  readonly name: string
  /** What it reads, and what would be a fault. */
  readonly what: string
  /** Makes it ready, once for each thread. */
  open(): OpenTarget | Promise<OpenTarget>
}

export interface OpenTarget {
  /** An input out of chance; the same chance gives the same input. */
  input(random: Random): string
  /** @throws whatever is not a documented refusal: that is the fault */
  run(input: string): Verdict | Promise<Verdict>
}
