/** How one of several instances is chosen. */
export type Policy = 'least-pending' | 'round-robin'

/**
 * What became of a request that was sent to an instance:
 * `answered`, whatever the status; `goodbye`: answered, and it will soon be gone; `refused`: no connection, nothing was sent;
 * `failed`: sent, and no answer came, or none in time, or not HTTP; `unknown`: given up for a reason that is not the instance's.
 */
export type Outcome = 'answered' | 'goodbye' | 'refused' | 'failed' | 'unknown'

/** Spreads requests over instances that do the same work, and leaves out those that fail. */
export interface Rotation<T> {
  /**
   * The next instance, none of `tried` if there is another; undefined when there is none at all. It counts as busy until its outcome is told, once for each
   * choice. One that was left out gets a request as a trial when its pause is over, rather one that `mayRepeat`. While all are left out, all are tried.
   */
  choose(tried: readonly T[], mayRepeat: boolean): T | undefined
  outcome(instance: T, outcome: Outcome): void
  /** From now on it is these; those that stay keep what is known of them. */
  replace(instances: readonly T[]): void
  /** How many there are, and how many of them are left out. */
  count(): { readonly all: number; readonly ejected: number }
}

interface Member<T> {
  readonly instance: T
  pending: number
  /** In a row, without an answer between. */
  failures: number
  /** In a row, without a failure between. */
  answers: number
  ejections: number
  /** Undefined while it gets its share. */
  outUntil: number | undefined
  /** It is left out, and a request is under way to see whether it still should be. */
  onTrial: boolean
  /** When it was last chosen, in turns. */
  turn: number
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

export interface RotationOptions<T> {
  readonly instances: readonly T[]
  readonly policy: Policy
  readonly now?: () => number
  readonly random?: () => number
}

export function createRotation<T>(options: RotationOptions<T>): Rotation<T> {
  const { policy, now = () => performance.now(), random = Math.random } = options
  const compare = policy === 'round-robin' ? byTurn : byPending
  let members: Member<T>[] = []
  let ejected = 0
  let turns = 0

  const recount = () => {
    ejected = members.filter(({ outUntil }) => outUntil !== undefined).length
  }
  const replace = (instances: readonly T[]) => {
    const known = new Map(members.map((member) => [member.instance, member]))
    members = [...new Set(instances)].map((instance) => known.get(instance) ?? newMember(instance))
    recount()
  }
  replace(options.instances)

  const leaveOut = (member: Member<T>, pauseMs: number) => {
    member.outUntil = now() + pauseMs
    member.onTrial = false
    member.answers = 0
    recount()
  }
  const eject = (member: Member<T>) => {
    leaveOut(member, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** member.ejections))
    member.ejections = Math.min(member.ejections + 1, 16)
  }
  const fail = (member: Member<T>, isRefused: boolean) => {
    member.failures += 1
    member.answers = 0
    if (isRefused || member.onTrial || member.failures >= FAILURES) eject(member)
  }
  const succeed = (member: Member<T>) => {
    if (member.outUntil !== undefined && !member.onTrial) return // an answer to something older says nothing of now
    if (member.outUntil !== undefined) bringBack(member)
    member.failures = 0
    member.answers += 1
    if (member.answers >= TRUSTED_AFTER) member.ejections = 0
  }
  const bringBack = (member: Member<T>) => {
    member.outUntil = undefined
    member.onTrial = false
    recount()
  }

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
      if (ejected > 0 && isDue(member, dueAt)) return member
      if (isBetter(compare, member, chosen)) chosen = member
    }
    return chosen
  }
  const next = (tried: readonly T[], mayRepeat: boolean) => {
    if (policy === 'least-pending' && members.length > COMPARED && ejected + tried.length === 0) return draw()
    const dueAt = ejected === 0 || mayRepeat ? now() : now() - LONGEST_PAUSE_MS
    return search(tried, dueAt) ?? search([], dueAt)
  }

  return {
    choose: (tried, mayRepeat) => {
      const member = next(tried, mayRepeat)
      if (!member) return undefined
      turns += 1
      member.turn = turns
      member.pending += 1
      member.onTrial = member.outUntil !== undefined
      return member.instance
    },
    outcome: (instance, outcome) => {
      const member = members.find((each) => each.instance === instance)
      if (!member) return // it is gone meanwhile
      member.pending -= 1
      if (outcome === 'answered') succeed(member)
      else if (outcome === 'goodbye') leaveOut(member, LEAVING_MS)
      else if (outcome === 'unknown') member.onTrial = false
      else fail(member, outcome === 'refused')
    },
    replace,
    count: () => ({ all: members.length, ejected }),
  }
}

const newMember = <T>(instance: T): Member<T> => ({
  instance,
  pending: 0,
  failures: 0,
  answers: 0,
  ejections: 0,
  outUntil: undefined,
  onTrial: false,
  turn: 0,
})

const isDue = <T>({ outUntil, onTrial }: Member<T>, at: number) => outUntil !== undefined && outUntil <= at && !onTrial

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
