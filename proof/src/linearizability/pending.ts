import type { Operation } from './model.ts'

type AnyOperation = Operation<unknown, unknown>

/**
 * The calls of one history that have no place in the order yet. Answered calls must all get one; they are sorted by their start and
 * linked, so that the ones that may come next are found at the head. Calls that nobody knows the end of are kept by kind: of equal ones
 * the earliest is always as good as any other, so that a set of them is a number.
 */
export interface Pending {
  readonly answeredLeft: () => number
  /** Indices of calls that may come next: the one that ended first leads, unknown ones follow. */
  candidates(): readonly number[]
  /** The answered call that ended first: nothing that began after its end may come before it. */
  mostUrgent(): number | undefined
  take(index: number): void
  /** Undoes the last `take`. */
  putBack(index: number): void
  /** The same text for the same set of calls. */
  name(): string
}

export function createPending(operations: readonly AnyOperation[]): Pending {
  const sorted = operations.map((operation, index) => ({ operation, index }))
  sorted.sort((a, b) => a.operation.from - b.operation.from || a.operation.to - b.operation.to)
  const answered = sorted.filter(({ operation }) => operation.answer !== undefined)
  const list = createList(answered.map(({ operation }) => operation))
  const kinds = createKinds(sorted.filter(({ operation }) => operation.answer === undefined))
  const place = new Map(answered.map(({ index }, at) => [index, at]))
  const indexAt = (at: number) => answered[at]?.index ?? -1

  return {
    answeredLeft: list.size,
    candidates: () => {
      const { open, deadline } = list.open()
      return [...open.map(indexAt), ...kinds.open(deadline)]
    },
    mostUrgent: () => {
      const [first] = list.open().open
      return first === undefined ? undefined : indexAt(first)
    },
    take: (index) => {
      const at = place.get(index)
      if (at === undefined) kinds.take(index)
      else list.take(at)
    },
    putBack: (index) => {
      const at = place.get(index)
      if (at === undefined) kinds.putBack(index)
      else list.putBack(at)
    },
    name: () => `${list.name()}/${kinds.name()}`,
  }
}

/** The answered calls, doubly linked (Knuth's dancing links): a call that was taken remembers its neighbours and can be put back. */
function createList(calls: readonly AnyOperation[]) {
  const END = calls.length
  const next = Int32Array.from({ length: END + 1 }, (_, at) => (at === END ? 0 : at + 1))
  const previous = Int32Array.from({ length: END + 1 }, (_, at) => (at === 0 ? END : at - 1))
  const taken = new Uint32Array(Math.ceil((END + 1) / 32))
  const twin = twinsOf(calls)
  let size = END
  let highest = -1
  const isTaken = (at: number) => ((taken[at >> 5] ?? 0) & (1 << (at & 31))) !== 0
  const flip = (at: number) => {
    taken[at >> 5] = (taken[at >> 5] ?? 0) ^ (1 << (at & 31))
  }
  const endOf = (at: number) => calls[at]?.to ?? Number.POSITIVE_INFINITY
  const heads = next // next[END] is the head

  return {
    size: () => size,
    open: () => {
      const open: number[] = []
      let deadline = Number.POSITIVE_INFINITY
      for (let at = heads[END] ?? END; at !== END && (calls[at]?.from ?? 0) <= deadline; at = next[at] ?? END) {
        deadline = Math.min(deadline, endOf(at))
        const before = twin[at] ?? -1
        if (before < 0 || isTaken(before)) open.push(at)
      }
      return { open: open.sort((a, b) => endOf(a) - endOf(b)), deadline }
    },
    take: (at: number) => {
      next[previous[at] ?? END] = next[at] ?? END
      previous[next[at] ?? END] = previous[at] ?? END
      flip(at)
      size -= 1
      highest = Math.max(highest, at)
    },
    putBack: (at: number) => {
      next[previous[at] ?? END] = at
      previous[next[at] ?? END] = at
      flip(at)
      size += 1
    },
    name: () => {
      const head = heads[END] ?? END
      let end = highest >> 5
      while (end >= head >> 5 && taken[end] === 0) end -= 1
      return `${head} ${taken.subarray(head >> 5, end + 1).join('.')}`
    },
  }
}

/**
 * For each call an equal one that began and ended no later: it can always be taken first, because the two may change places in any order
 * that is found.
 */
function twinsOf(calls: readonly AnyOperation[]): Int32Array {
  const latest = new Map<string, number>()
  return Int32Array.from(calls, ({ call, answer, to }, at) => {
    const kind = JSON.stringify([call, answer])
    const before = latest.get(kind)
    const isTwin = before !== undefined && (calls[before]?.to ?? 0) <= to
    if (before === undefined || isTwin) latest.set(kind, at)
    return isTwin ? before : -1
  })
}

function createKinds(calls: readonly { readonly operation: AnyOperation; readonly index: number }[]) {
  const kindOf = new Map<number, number>()
  const kinds = [...Map.groupBy(calls, ({ operation }) => JSON.stringify(operation.call)).values()]
  for (const [kind, members] of kinds.entries()) for (const { index } of members) kindOf.set(index, kind)
  const used = kinds.map(() => 0)
  const move = (index: number, by: number) => {
    const kind = kindOf.get(index) ?? -1
    used[kind] = (used[kind] ?? 0) + by
  }
  return {
    open: (deadline: number) =>
      kinds.flatMap((members, kind) => {
        const next = members[used[kind] ?? 0]
        return next && next.operation.from <= deadline ? [next.index] : []
      }),
    take: (index: number) => move(index, 1),
    putBack: (index: number) => move(index, -1),
    name: () => used.join('.'),
  }
}
