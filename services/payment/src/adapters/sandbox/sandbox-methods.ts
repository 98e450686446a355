import type { Authorization } from '../../ports.ts'

/** What the sandbox does with a new payment: its answer now, what becomes of it later, and how often it tells what needs no telling. */
export interface Plan {
  readonly status: 'authorized' | 'declined' | 'action-required' | 'pending'
  readonly reason?: string
  readonly later?: { readonly outcome: 'authorized' | 'declined'; readonly reason?: string; readonly at: Date }
  readonly webhookCopies?: number
}

export interface SandboxTimes {
  readonly now: Date
  readonly slowMs: number
  readonly lateMs: number
}

export function planFor({ method, dueAt }: Pick<Authorization, 'method' | 'dueAt'>, times: SandboxTimes): Plan {
  const afterDue = new Date(Date.parse(dueAt) + times.lateMs)
  switch (method) {
    case 'sandbox:success':
      return { status: 'authorized' }
    case 'sandbox:decline':
      return { status: 'declined', reason: 'declined-by-bank' }
    case 'sandbox:action':
      return { status: 'action-required', later: { outcome: 'declined', reason: 'action-expired', at: afterDue } }
    case 'sandbox:slow':
      return {
        status: 'pending',
        later: { outcome: 'authorized', at: new Date(times.now.getTime() + times.slowMs) },
      }
    case 'sandbox:late':
      return { status: 'pending', later: { outcome: 'authorized', at: afterDue } }
    case 'sandbox:silent':
      return { status: 'pending' }
    case 'sandbox:duplicate-webhook':
      return { status: 'authorized', webhookCopies: 3 }
    default:
      return { status: 'declined', reason: 'unsupported-method' }
  }
}
