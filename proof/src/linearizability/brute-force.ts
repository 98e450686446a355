import type { Model, Operation } from './model.ts'

/** Tries every order of every choice of unknown calls: no shortcut, no memory. For tests, on a handful of calls. */
export function bruteForce<State, Call, Answer>(
  { initial, step }: Pick<Model<State, Call, Answer>, 'initial' | 'step'>,
  operations: readonly Operation<Call, Answer>[],
): boolean {
  const search = (state: State, left: readonly Operation<Call, Answer>[]): boolean =>
    left.every(({ answer }) => answer === undefined) ||
    left.some((operation) => {
      const others = left.filter((other) => other !== operation)
      if (others.some(({ answer, to }) => answer !== undefined && to < operation.from)) return false
      const after = step(state, operation.call, operation.answer)
      return after !== undefined && search(after, others)
    })
  return search(initial, operations)
}
