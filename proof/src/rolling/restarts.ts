import { setTimeout as pause } from 'node:timers/promises'
import type { ProcessName, SplitShop } from '@micromart/cli/start/split'

export interface RestartOptions {
  readonly shop: Pick<SplitShop, 'instances'>
  readonly rounds: number
  /** How long all instances of a service run before and after each restart. */
  readonly pauseMs: number
  readonly onRestart: (restart: Restart) => void
  /** Once every process has been replaced once more. */
  readonly onRound: (round: number) => void
  readonly signal: AbortSignal
}

/** One process that is being replaced. */
export interface Restarting {
  readonly name: ProcessName
  /** From 0. */
  readonly instance: number
  /** From 1. */
  readonly round: number
}

export interface Restart extends Restarting {
  /** From the signal until the new process takes work. */
  readonly tookMs: number
}

/** What happens right now. */
export type Phase = { readonly phase: 'none' } | ({ readonly phase: 'drains' | 'starts' } & Restarting)

export interface RollingRestarts {
  now(): Phase
  /** Rejects when a process cannot be started again. */
  readonly done: Promise<void>
}

/** From the door inwards, so that who asks is new before who is asked. */
const ORDER: readonly ProcessName[] = [
  'gateway',
  'order',
  'notification',
  'cart',
  'payment',
  'inventory',
  'analytics',
  'product',
  'user',
]

/** Drains and replaces every process, one after the other, round after round, until it is told to stop. */
export function rollingRestarts({
  shop,
  rounds,
  pauseMs,
  onRestart,
  onRound,
  signal,
}: RestartOptions): RollingRestarts {
  let now: Phase = { phase: 'none' }
  const replace = async (restarting: Restarting) => {
    const process = shop.instances[restarting.name][restarting.instance]
    const startedAt = performance.now()
    now = { phase: 'drains', ...restarting }
    await process?.drainAndStop()
    now = { phase: 'starts', ...restarting }
    await process?.start()
    now = { phase: 'none' }
    onRestart({ ...restarting, tookMs: performance.now() - startedAt })
  }
  const oneRound = async (round: number) => {
    for (const name of ORDER)
      for (const instance of shop.instances[name].keys()) {
        await pause(pauseMs, undefined, { signal }).catch(() => {})
        if (signal.aborted) return
        await replace({ name, instance, round })
      }
    onRound(round)
  }
  const run = async () => {
    for (let round = 1; round <= rounds && !signal.aborted; round += 1) await oneRound(round)
  }
  return { now: () => now, done: run() }
}
