import type { PlannedChange } from './plan-changes.ts'

/** What others hear of a change: where copies of the product may lie, and nothing of its content. */
export interface ToldChange {
  readonly productId: string
  readonly handles: string[]
  readonly version: number
  readonly changedAt: string
}

/** `handleBefore` is the handle of a product that there was; what has not changed is not told. */
export function toldChange(plan: PlannedChange, handleBefore: string | undefined): readonly ToldChange[] {
  if (plan.outcome === 'unchanged') return []
  const { id, handle, version, updatedAt } = plan.product
  const handles = [...new Set([handle, handleBefore ?? handle])]
  return [{ productId: id, handles, version, changedAt: updatedAt.toISOString() }]
}
