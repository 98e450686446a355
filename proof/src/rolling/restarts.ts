import { setTimeout as pause } from 'node:timers/promises'
import type { ProcessName, SplitShop } from '@micromart/cli/start/split'

export interface RestartOptions {
  readonly shop: SplitShop
  readonly rounds: number
  /** How long all instances of a service run before and after each restart. */
  readonly pauseMs: number
  readonly onRestart: (restart: Restart) => void
  readonly signal: AbortSignal
}

export interface Restart {
  readonly name: ProcessName
  /** From 0. */
  readonly instance: number
  /** From 1. */
  readonly round: number
  /** From the signal until the new process takes work. */
  readonly tookMs: number
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

/** Drains and replaces every process, one after the other, round after round. */
export async function rollingRestarts({ shop, rounds, pauseMs, onRestart, signal }: RestartOptions): Promise<void> {
  for (let round = 1; round <= rounds; round += 1)
    for (const name of ORDER)
      for (const [instance, process] of shop.instances[name].entries()) {
        if (signal.aborted) return
        await pause(pauseMs)
        const startedAt = performance.now()
        await process.drainAndStop()
        await process.start()
        onRestart({ name, instance, round, tookMs: performance.now() - startedAt })
      }
}
