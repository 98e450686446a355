/** How one of several instances is chosen. */
export type Policy = 'least-pending' | 'round-robin'

/**
 * What came of a request: `answered` (whatever the status says of the request itself), `failed` (broke off, came too late, was no HTTP, or said that
 * it cannot answer: 502, 503, 504), `refused` (no connection, nothing was sent), `leaving` (answered, and said goodbye), `abandoned` (the client went).
 */
export type Outcome = 'answered' | 'failed' | 'refused' | 'leaving' | 'abandoned'

/** Spreads requests over instances that do the same work, and leaves out those that fail. */
export interface Balancer<T> {
  /**
   * The next instance, which counts as busy until `done`; undefined when there is none besides `tried`. An instance that was left out gets a request as
   * a trial when its pause is over, rather one that `mayRepeat`. While all are left out, all are tried.
   */
  take(options?: { readonly tried?: readonly T[]; readonly mayRepeat?: boolean }): Turn<T> | undefined
  /** Says what came of it, once. */
  done(turn: Turn<T>, outcome: Outcome): void
  /** From now on it is these; those that stay keep what is known of them. */
  replace(instances: readonly T[]): void
  /** How many there are, and how many of them are left out. */
  count(): { readonly all: number; readonly ejected: number }
}

/** One request on its way to an instance. */
export interface Turn<T> {
  readonly instance: T
}

interface Member<T> {
  readonly instance: T
  pending: number
  /** One after the other, without an answer between. */
  failures: number
  answers: number
  ejections: number
  /** Undefined while it gets its share. */
  outUntil: number | undefined
  trying: boolean
  /** When it was last chosen, in turns. */
  turn: number
}

interface OpenTurn<T> extends Turn<T> {
  readonly member: Member<T>
  readonly isTrial: boolean
  isDone: boolean
}

/** So many failures in a row, and it is left out; a refused connection needs no second one. */
const FAILURES = 3
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** Until one that has said goodbye is gone. */
const LEAVING_MS = 5_000
/** After so many answers in a row its next pause is a short one again. */
const TRUSTED_AFTER = 10
/** With more than these, two are drawn and compared, so that choosing costs the same for any number. */
const COMPARED = 8

export interface BalancerOptions<T> {
  readonly instances: readonly T[]
  readonly policy: Policy
  readonly now?: () => number
  readonly random?: () => number
}

export function createBalancer<T>(options: BalancerOptions<T>): Balancer<T> {
  const { policy, now = () => performance.now(), random = Math.random } = options
  const compare = policy === 'round-robin' ? byTurn : byPending
  let members: Member<T>[] = []
  let turns = 0

  const replace = (instances: readonly T[]) => {
    const known = new Map(members.map((member) => [member.instance, member]))
    members = [...new Set(instances)].map((instance) => known.get(instance) ?? newMember(instance))
  }
  replace(options.instances)

  const begin = (member: Member<T>): OpenTurn<T> => {
    turns += 1
    member.turn = turns
    member.pending += 1
    const isTrial = member.outUntil !== undefined
    if (isTrial) member.trying = true
    return { instance: member.instance, member, isTrial, isDone: false }
  }
  const eject = (member: Member<T>) => {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** member.ejections)
    member.ejections = Math.min(member.ejections + 1, 16)
    member.outUntil = now() + pauseMs
    member.answers = 0
  }
  const fail = (member: Member<T>, isOut: boolean) => {
    member.failures += 1
    member.answers = 0
    if (isOut || member.failures >= FAILURES) eject(member)
  }
  /** Only a trial brings back one that is left out: an answer to something older says nothing of now. */
  const succeed = (member: Member<T>, isTrial: boolean) => {
    if (member.outUntil !== undefined && !isTrial) return
    member.outUntil = undefined
    member.failures = 0
    member.answers += 1
    if (member.answers >= TRUSTED_AFTER) member.ejections = 0
  }

  /** Two are drawn and compared; only where all can be had. */
  const draw = () => {
    const first = Math.floor(random() * members.length)
    const second = (first + 1 + Math.floor(random() * (members.length - 1))) % members.length
    const [a, b] = [members[first], members[second]]
    return b && isBetter(compare, b, a) ? b : a
  }
  /** A due trial, else the best of those that get their share, else the best of those that are left out. */
  const search = (tried: readonly T[], dueAt: number) => {
    let chosen: Member<T> | undefined
    for (const member of members) {
      if (tried.includes(member.instance)) continue
      if (isDue(member, dueAt)) return member
      if (isBetter(compare, member, chosen)) chosen = member
    }
    return chosen
  }

  return {
    take: ({ tried = [], mayRepeat = true } = {}) => {
      const isAnyGood = tried.length === 0 && members.every(({ outUntil }) => outUntil === undefined)
      const chosen =
        policy === 'least-pending' && members.length > COMPARED && isAnyGood
          ? draw()
          : search(tried, mayRepeat ? now() : now() - LONGEST_PAUSE_MS)
      return chosen && begin(chosen)
    },
    done: (turn, outcome) => {
      const { member, isTrial, isDone } = turn as OpenTurn<T>
      if (isDone) return
      ;(turn as OpenTurn<T>).isDone = true
      member.pending -= 1
      if (isTrial) member.trying = false
      if (outcome === 'answered') succeed(member, isTrial)
      else if (outcome === 'leaving') member.outUntil = now() + LEAVING_MS
      else if (outcome !== 'abandoned') fail(member, outcome === 'refused' || isTrial)
    },
    replace,
    count: () => ({ all: members.length, ejected: members.filter(({ outUntil }) => outUntil !== undefined).length }),
  }
}

const newMember = <T>(instance: T): Member<T> => ({
  instance,
  pending: 0,
  failures: 0,
  answers: 0,
  ejections: 0,
  outUntil: undefined,
  trying: false,
  turn: 0,
})

const isDue = <T>({ outUntil, trying }: Member<T>, at: number) => outUntil !== undefined && outUntil <= at && !trying

type Compare = <T>(a: Member<T>, b: Member<T>) => number

/** Whoever has waited longest. */
const byTurn: Compare = (a, b) => a.turn - b.turn

const byPending: Compare = (a, b) => a.pending - b.pending || a.turn - b.turn

/** Who gets its share is better than who is left out, whatever each has to do. */
function isBetter<T>(compare: Compare, member: Member<T>, than: Member<T> | undefined): boolean {
  if (!than) return true
  const isOut = Number(member.outUntil !== undefined) - Number(than.outUntil !== undefined)
  return (isOut || compare(member, than)) < 0
}
