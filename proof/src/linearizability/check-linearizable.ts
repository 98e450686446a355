import type { Model, Operation, Verdict } from './model.ts'
import { createPending, type Pending } from './pending.ts'

/** Steps there and back before giving up: some seconds. */
const DEFAULT_BUDGET = 1_000_000

/** Characters of configurations that are kept before giving up: some hundred megabytes. */
const MOST_CHARACTERS = 200_000_000

/**
 * Decides whether the calls on one key can be put in one order that respects real time and that the model allows: Wing and Gong's search
 * (J. Parallel and Distributed Computing 17, 1993) with Lowe's memory of configurations seen (Testing for linearizability, 2017), as
 * porcupine does it. Two shortcuts, both without loss: a call that only looks is taken as soon as it fits, and of equal calls the one that
 * began and ended first is taken first.
 */
export function checkLinearizable<State, Call, Answer>(
  model: Model<State, Call, Answer>,
  operations: readonly Operation<Call, Answer>[],
  { budget = DEFAULT_BUDGET }: { budget?: number } = {},
): Verdict<Call, Answer> {
  const pending = createPending(operations)
  const memory = createMemory()
  const path: Frame<Choice<State, Call, Answer>>[] = []
  let steps = 0
  let deepest: DeadEnd = { left: Number.POSITIVE_INFINITY, stuck: undefined }

  const enter = (state: State, by: number | undefined) => {
    const choices = choicesAt(state, { model, operations, pending })
    if (choices.length === 0) deepest = deeperOf(deepest, { left: pending.answeredLeft(), stuck: pending.mostUrgent() })
    path.push({ choices, next: 0, by })
  }
  const leave = ({ by }: { by: number | undefined }) => {
    path.pop()
    if (by !== undefined) pending.putBack(by)
  }
  const follow = ({ index, after }: Choice<State, Call, Answer>) => {
    pending.take(index)
    if (memory.isNew(`${pending.name()}|${model.nameOf(after)}`)) enter(after, index)
    else pending.putBack(index)
  }

  enter(model.initial, undefined)
  for (let frame = path.at(-1); frame && pending.answeredLeft() > 0; frame = path.at(-1)) {
    if (++steps > budget || memory.isFull()) return { kind: 'unknown', steps }
    const choice = frame.choices[frame.next++]
    if (choice) follow(choice)
    else leave(frame)
  }
  if (pending.answeredLeft() === 0) return { kind: 'linearizable', steps }
  return impossible(operations, { steps, stuck: deepest.stuck })
}

/** First what brings the call nearer that has to come next, then what may never have happened and helps, then the rest. */
function sortByDistance<State, Call, Answer>(
  before: State,
  choices: Choice<State, Call, Answer>[],
  { model, urgent }: { model: Model<State, Call, Answer>; urgent: Operation<Call, Answer> | undefined },
): void {
  const { distance, isDoubtful = () => false } = model
  const { call, answer } = urgent ?? {}
  if (distance === undefined || call === undefined || answer === undefined) return
  const now = distance(before, call, answer)
  const farOf = ({ operation, after }: Choice<State, Call, Answer>) => {
    const then = distance(after, call, answer)
    return operation.answer === undefined && isDoubtful(operation.call) ? Math.max(now, then) + 0.5 : then
  }
  const far = new Map(choices.map((choice) => [choice, farOf(choice)]))
  choices.sort((a, b) => (far.get(a) ?? 0) - (far.get(b) ?? 0))
}

function createMemory() {
  const seen = new Set<string>()
  let characters = 0
  return {
    isNew: (configuration: string) => {
      const before = seen.size
      characters += configuration.length
      return seen.add(configuration).size > before
    },
    isFull: () => characters > MOST_CHARACTERS,
  }
}

/** The calls that may come next and fit; a lost one only where it makes a difference. */
function choicesAt<State, Call, Answer>(
  before: State,
  {
    model,
    operations,
    pending,
  }: {
    model: Model<State, Call, Answer>
    operations: readonly Operation<Call, Answer>[]
    pending: Pending
  },
): Choice<State, Call, Answer>[] {
  const choices = pending.candidates().flatMap((index): Choice<State, Call, Answer>[] => {
    const operation = operations[index]
    const after = operation && model.step(before, operation.call, operation.answer)
    return operation === undefined || after === undefined ? [] : [{ index, operation, after }]
  })
  const urgent = pending.mostUrgent()
  if (urgent !== undefined && choices[0]?.index !== urgent)
    sortByDistance(before, choices, { model, urgent: operations[urgent] })
  const look = choices.find(({ operation: { call, answer } }) => answer !== undefined && model.onlyLooks(call, answer))
  if (look) return [look]
  const name = model.nameOf(before)
  return choices.filter(({ operation: { answer }, after }) => answer !== undefined || model.nameOf(after) !== name)
}

interface Choice<State, Call, Answer> {
  readonly index: number
  readonly operation: Operation<Call, Answer>
  readonly after: State
}

interface Frame<Choice> {
  readonly choices: readonly Choice[]
  next: number
  /** The call that led here. */
  readonly by: number | undefined
}

/** Where an attempt ended: how many calls were left, and which of them had to come. */
interface DeadEnd {
  readonly left: number
  readonly stuck: number | undefined
}

const deeperOf = (a: DeadEnd, b: DeadEnd) => (b.left < a.left ? b : a)

function impossible<Call, Answer>(
  operations: readonly Operation<Call, Answer>[],
  { steps, stuck }: { steps: number; stuck: number | undefined },
): Verdict<Call, Answer> {
  const operation = stuck === undefined ? undefined : operations[stuck]
  if (!operation) throw new Error('A search that failed got stuck somewhere')
  return { kind: 'impossible', steps, stuck: operation }
}
