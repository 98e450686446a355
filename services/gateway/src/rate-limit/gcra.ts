/**
 * The generic cell rate algorithm in its virtual scheduling form (ITU-T Recommendation I.371, annex A; ATM Forum, Traffic Management 4.0):
 * one number for each bucket, the theoretical arrival time (TAT) of the next cell if all came evenly. A cell is let in as long as that
 * is no further ahead than the window, and moves it on by one interval. So within any time t at most `quota + t / interval` cells
 * get in. All times are whole microseconds: sums of them are exact, and no cell is won or lost by rounding.
 */
export interface Rate {
  /** So many cells may come at once. */
  readonly quota: number
  /** Time in which one used cell comes back, in µs. */
  readonly intervalUs: number
  /** Time in which a used up bucket is full again, in µs: `quota * intervalUs`. */
  readonly windowUs: number
}

/** @param windowS in seconds; the interval is rounded up to the next µs, so that no more than the quota ever comes back in it */
export function rateOf(quota: number, windowS: number): Rate {
  const intervalUs = Math.ceil((windowS * 1_000_000) / quota)
  return { quota, intervalUs, windowUs: quota * intervalUs }
}

/** The TAT after one more cell; undefined when there is no room for it now. */
export function afterOneCell(tatUs: number, nowUs: number, { intervalUs, windowUs }: Rate): number | undefined {
  const next = Math.max(tatUs, nowUs) + intervalUs
  return next - nowUs > windowUs ? undefined : next
}

/** How many cells would get in right now. */
export const cellsLeft = (tatUs: number, nowUs: number, { quota, intervalUs, windowUs }: Rate): number =>
  tatUs <= nowUs ? quota : Math.max(0, Math.floor((nowUs + windowUs - tatUs) / intervalUs))

/** Whole seconds until the bucket is full again, 0 when it is. */
export const fullInS = (tatUs: number, nowUs: number): number =>
  tatUs <= nowUs ? 0 : Math.ceil((tatUs - nowUs) / 1_000_000)

/** Whole seconds until one cell gets in, at least 1; for a bucket that has just refused one. */
export const freeInS = (tatUs: number, nowUs: number, { intervalUs, windowUs }: Rate): number =>
  Math.max(1, Math.ceil((tatUs + intervalUs - windowUs - nowUs) / 1_000_000))
