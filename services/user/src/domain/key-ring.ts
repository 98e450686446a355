/** A signing key, as far as its times go. */
export interface RingKey {
  readonly kid: string
  readonly createdAt: Date
  /** Null while it waits; it may lie ahead. */
  readonly signsFrom: Date | null
}

export interface RingLimits {
  readonly rotateEveryMs: number
  /** How long a key is published before it signs: longer than those who check tokens keep what they fetched. */
  readonly aheadMs: number
  /** How long a key stays published after its successor began: longer than its last token lives. */
  readonly keptMs: number
}

/** What has to be done to a ring, one thing after the other. */
export type RingStep =
  | { readonly kind: 'add'; readonly signsFrom: Date | null }
  | { readonly kind: 'activate'; readonly kid: string; readonly signsFrom: Date }
  | { readonly kind: 'remove'; readonly kid: string }

/** The key that signs now: of those whose time has come the last one. Without any, the oldest: an older version made it. */
export function signerOf<K extends RingKey>(keys: readonly K[], now: Date): K | undefined {
  const begun = keys.filter(({ signsFrom }) => signsFrom !== null && signsFrom <= now)
  return begun.toSorted((a, b) => begins(b) - begins(a)).at(0) ?? keys.toSorted(byAge).at(0)
}

/** Who is to come: first the one whose time is set. */
const successorOf = (keys: readonly RingKey[], now: Date): RingKey | undefined =>
  keys
    .filter(({ signsFrom }) => signsFrom === null || signsFrom > now)
    .toSorted((a, b) => begins(a) - begins(b) || byAge(a, b))
    .at(0)

/**
 * The next thing to do so that there are always two live keys: one that signs and one that everybody knows already and that takes over when
 * its time comes, or when somebody asks for it. Who signed before stays until its last token has expired.
 */
export function nextStep(
  keys: readonly RingKey[],
  { now, rotate }: { now: Date; rotate: boolean },
  limits: RingLimits,
): RingStep | undefined {
  const signer = signerOf(keys, now)
  if (!signer) return { kind: 'add', signsFrom: now }
  const successor = successorOf(keys, now)
  if (!successor) return { kind: 'add', signsFrom: null }
  const isDue = now.getTime() >= begins(signer) + limits.rotateEveryMs
  if ((isDue || rotate) && successor.signsFrom === null) {
    const known = successor.createdAt.getTime() + limits.aheadMs
    return { kind: 'activate', kid: successor.kid, signsFrom: new Date(Math.max(now.getTime(), known)) }
  }
  const spent = keys.find((key) => isSpent(key, keys, now.getTime() - limits.keptMs))
  return spent && { kind: 'remove', kid: spent.kid }
}

/** Somebody else has signed since before `then`. */
const isSpent = (key: RingKey, keys: readonly RingKey[], then: number): boolean =>
  key.signsFrom !== null && keys.some((other) => begins(other) > begins(key) && begins(other) <= then)

/** The one that waits comes after all others. */
const begins = ({ signsFrom }: RingKey): number => signsFrom?.getTime() ?? Number.MAX_SAFE_INTEGER

const byAge = (a: RingKey, b: RingKey): number =>
  a.createdAt.getTime() - b.createdAt.getTime() || (a.kid < b.kid ? -1 : 1)
