import { ProblemError } from '@micromart/http-kit/problem'
import type { Verdict } from './target.ts'

/** A problem of the caller's making with one of the codes is a refusal. @throws the error, if it is anything else */
export function refusedBy(error: unknown, codes: readonly string[]): Verdict {
  if (error instanceof ProblemError && error.status < 500 && codes.includes(error.refusal.code)) return 'refused'
  throw error
}
