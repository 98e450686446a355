import type { Clock } from '@micromart/kernel/clock'
import { ok, type Refusal, type Result } from '@micromart/kernel/result'
import { continueTrace, currentContext, type WorkContext } from '@micromart/telemetry/context'
import type { Database, Transaction } from './database.ts'
import { appendEvents, readStreams, StreamConflict } from './event-log.ts'
import type { Outbox, OutgoingMessage } from './outbox.ts'
import type { Timer, Timers } from './timers.ts'

/** The pure heart of an event-sourced aggregate. */
export interface Decider<State, Command, Event> {
  readonly initial: State
  decide(command: Command, state: State): Result<readonly Event[]>
  evolve(state: State, event: Event): State
  /** What others must hear and what must be woken later, given the state right after the event. */
  react(event: Event, state: State, where: { streamId: string; at: Date }): Reaction
}

export interface Reaction {
  readonly messages?: readonly OutgoingMessage[]
  readonly schedule?: readonly Timer[]
  /** Ids of timers that are no longer needed. */
  readonly cancel?: readonly string[]
}

export interface TargetedCommand<Command> {
  readonly streamId: string
  readonly command: Command
  /** What caused it; the current context otherwise. */
  readonly context?: WorkContext
}

/** A stream that changed: for the views, which are written in the same transaction. */
export interface Changed<State> {
  readonly streamId: string
  readonly state: State
  readonly version: number
  readonly at: Date
}

export interface CommandRunner<Command> {
  /** Runs the commands in order in the given transaction, all with one read and one write. @throws StreamConflict */
  runIn(tx: Transaction, commands: readonly TargetedCommand<Command>[]): Promise<readonly Result<void>[]>
  /** Runs one command in a transaction of its own and again on a conflict. */
  run(target: TargetedCommand<Command>): Promise<Result<void>>
}

export interface CommandRunnerOptions<State, Command, Event> {
  readonly decider: Decider<State, Command, Event>
  readonly database: Database
  readonly outbox: Outbox
  readonly timers: Timers
  readonly clock: Clock
  readonly project: (tx: Transaction, changed: readonly Changed<State>[]) => Promise<void>
}

const MOST_TRIES = 10

export function commandRunner<State, Command, Event extends { type: string }>(
  options: CommandRunnerOptions<State, Command, Event>,
): CommandRunner<Command> {
  const { decider, clock } = options

  const load = async (tx: Transaction, ids: readonly string[]) => {
    const streams = await readStreams<Event>(tx, ids)
    return new Map(
      ids.map((id) => {
        const recorded = streams.get(id) ?? []
        const state = recorded.reduce((before, { event }) => decider.evolve(before, event), decider.initial)
        return [id, { state, version: recorded.length }] as const
      }),
    )
  }

  const runIn: CommandRunner<Command>['runIn'] = async (tx, commands) => {
    const streams = await load(tx, [...new Set(commands.map(({ streamId }) => streamId))])
    const now = clock.now()
    const appended: Parameters<typeof appendEvents<Event>>[1][number][] = []
    const reactions: Reaction[] = []
    const results = commands.map(({ streamId, command, context = currentContext() ?? freshContext(streamId) }) => {
      const before = streams.get(streamId) ?? { state: decider.initial, version: 0 }
      const decision = decider.decide(command, before.state)
      if (!decision.ok) return decision
      let { state, version } = before
      for (const event of decision.value) {
        state = decider.evolve(state, event)
        version += 1
        appended.push({ streamId, version, event, at: now, context })
        reactions.push(inContext(decider.react(event, state, { streamId, at: now }), context))
      }
      streams.set(streamId, { state, version })
      return ok(undefined)
    })
    if (appended.length > 0) await write(tx, appended, reactions)
    const changedIds = new Set(appended.map(({ streamId }) => streamId))
    const changed = [...streams]
      .filter(([id]) => changedIds.has(id))
      .map(([streamId, stream]) => ({ streamId, ...stream, at: now }))
    if (changed.length > 0) await options.project(tx, changed)
    return results
  }

  const write = async (
    tx: Transaction,
    appended: Parameters<typeof appendEvents<Event>>[1],
    reactions: readonly Reaction[],
  ) => {
    appendEvents(tx, appended)
    await options.outbox.add(
      tx,
      reactions.flatMap(({ messages }) => messages ?? []),
    )
    await options.timers.schedule(
      tx,
      reactions.flatMap(({ schedule }) => schedule ?? []),
    )
    await options.timers.cancel(
      tx,
      reactions.flatMap(({ cancel }) => cancel ?? []),
    )
  }

  const run = async (target: TargetedCommand<Command>): Promise<Result<void>> =>
    retryOnConflict(async () => {
      const [result] = await options.database.transaction((tx) => runIn(tx, [target]))
      return result as Result<void, Refusal>
    })

  return { runIn, run }
}

/** Runs a whole transaction again when somebody else was quicker at one of its streams. */
export async function retryOnConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StreamConflict) || attempt === MOST_TRIES) throw error
    }
}

const freshContext = (streamId: string): WorkContext => ({
  correlationId: streamId,
  causationId: streamId,
  traceparent: continueTrace(undefined),
})

const inContext = (reaction: Reaction, context: WorkContext): Reaction => ({
  ...reaction,
  messages: (reaction.messages ?? []).map((message) => ({ ...message, context })),
  schedule: (reaction.schedule ?? []).map((timer) => ({ ...timer, context })),
})
