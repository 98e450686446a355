/** What one invariant's check has found. */
export interface Finding {
  /** `I1` to `I12`, as docs/proof.md lists them. */
  readonly invariant: string
  readonly title: string
  /** What was looked at: the check of nothing proves nothing, so counts are shown. */
  readonly counts: Readonly<Record<string, number>>
  /** One sentence each, at most as many as a person would read. */
  readonly violations: readonly string[]
}

const MOST_SHOWN = 20

export const finding = (
  invariant: string,
  title: string,
  { counts, violations }: { counts: Record<string, number>; violations: readonly string[] },
): Finding => ({
  invariant,
  title,
  counts: { ...counts, violations: violations.length },
  violations: violations.slice(0, MOST_SHOWN),
})
