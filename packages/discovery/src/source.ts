/** What a source tells; it may repeat itself. */
export interface Heard {
  /** All instances as base URLs, in any order. */
  answer(instances: readonly string[]): void
  /** Nothing could be learned this time; the source goes on trying. */
  failed(error: unknown): void
}

/** An adapter of discovery: looks until it is stopped, tells every answer and every failure, and never throws. */
export type Source = (heard: Heard) => Stop

/** Nothing is told after it. */
export type Stop = () => void
