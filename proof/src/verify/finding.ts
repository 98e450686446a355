/** What one invariant's check has found. */
export interface Finding {
  /** `I1` to `I12`, as docs/proof.md lists them. */
  readonly invariant: string
  readonly title: string
  readonly state: 'ok' | 'violated' | 'not judged'
  /** What was looked at: the check of nothing proves nothing, so counts are shown. */
  readonly counts: Readonly<Record<string, number>>
  /** One sentence each, at most as many as a person would read. */
  readonly violations: readonly string[]
  /** Why it was not judged, or what could not be; and what may be kept to judge it later. */
  readonly remarks: readonly string[]
  /** The state of each service as its log says and as it is stored, SHA-256. */
  readonly hashes?: Readonly<Record<string, { readonly replayed: string; readonly stored: string }>>
}

export interface Found {
  readonly counts: Readonly<Record<string, number>>
  readonly violations: readonly string[]
  readonly remarks?: readonly string[]
  readonly hashes?: NonNullable<Finding['hashes']>
  /** Nothing is violated as far as was seen, but not all could be seen. */
  readonly isOpen?: boolean
}

const MOST_SHOWN = 20

export const finding = (invariant: string, title: string, found: Found): Finding => ({
  invariant,
  title,
  state: found.violations.length > 0 ? 'violated' : found.isOpen ? 'not judged' : 'ok',
  counts: { ...found.counts, violations: found.violations.length },
  violations: found.violations.slice(0, MOST_SHOWN),
  remarks: found.remarks ?? [],
  ...(found.hashes ? { hashes: found.hashes } : {}),
})

/** An invariant about what clients saw, and nobody has written that down. */
export const notJudged = (invariant: string, title: string, why: string): Finding =>
  finding(invariant, title, { counts: {}, violations: [], remarks: [why], isOpen: true })
