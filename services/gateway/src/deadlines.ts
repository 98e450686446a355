/** Something that has only so much time. Its fields belong to `Deadlines`. */
export interface Timed {
  /** Called once, when the time is over. */
  expire(): void
  dueAtMs: number
  earlier: Timed | undefined
  later: Timed | undefined
  queue: DeadlineQueue | undefined
}

interface DeadlineQueue {
  readonly lengthMs: number
  first: Timed | undefined
  last: Timed | undefined
  timer: NodeJS.Timeout | undefined
}

export interface Deadlines {
  /** `lengthMs` from now, unless it is stopped before. Infinity is never. */
  start(item: Timed, lengthMs: number): void
  /** Harmless for what has expired or was never started. */
  stop(item: Timed): void
}

/**
 * Deadlines for many things that mostly end in time. Those of the same length expire in the order in which they started, so a list for each
 * length and one timer for its first member do, and to start and stop one costs a few assignments. There are as many lists as routes
 * have different deadlines. A deadline may come late by a timer's own lateness, never early.
 */
export function createDeadlines(now: () => number = () => performance.now()): Deadlines {
  const queues = new Map<number, DeadlineQueue>()

  const queueOf = (lengthMs: number): DeadlineQueue => {
    const known = queues.get(lengthMs)
    if (known) return known
    const made: DeadlineQueue = { lengthMs, first: undefined, last: undefined, timer: undefined }
    queues.set(lengthMs, made)
    return made
  }

  const wake = (queue: DeadlineQueue) => {
    queue.timer = undefined
    const at = now()
    while (queue.first && queue.first.dueAtMs <= at) {
      const { first } = queue
      unlink(first)
      first.expire()
    }
    if (queue.first) arm(queue, queue.first.dueAtMs - at)
  }

  const arm = (queue: DeadlineQueue, inMs: number) => {
    queue.timer ??= setTimeout(wake, Math.ceil(inMs), queue).unref()
  }

  return {
    start: (item, lengthMs) => {
      if (lengthMs === Number.POSITIVE_INFINITY) return
      const queue = queueOf(lengthMs)
      item.dueAtMs = now() + lengthMs
      item.queue = queue
      item.earlier = queue.last
      if (queue.last) queue.last.later = item
      else queue.first = item
      queue.last = item
      if (!queue.timer) arm(queue, lengthMs)
    },
    stop: unlink,
  }
}

function unlink(item: Timed): void {
  const { queue, earlier, later } = item
  if (!queue) return
  if (earlier) earlier.later = later
  else queue.first = later
  if (later) later.earlier = earlier
  else queue.last = earlier
  item.queue = undefined
  item.earlier = undefined
  item.later = undefined
}
