import { createHash } from 'node:crypto'
import { limitKey } from '@micromart/http-kit/client-address'
import type { SignInAttempt } from '../ports.ts'

export const SIGN_IN_WINDOW_MS = 15 * 60_000
/** Many people may sign in from one address, so it gets more failures than one account. */
const ADDRESS_FACTOR = 10

/** What failures are counted for, and how many it may have. */
export interface Counter {
  readonly key: string
  readonly most: number
}

export function countersOf({ email, clientAddress }: SignInAttempt, mostFailures: number): readonly Counter[] {
  const account = { key: accountKey(email), most: mostFailures }
  return clientAddress === undefined
    ? [account]
    : [account, { key: `address:${digest(limitKey(clientAddress))}`, most: mostFailures * ADDRESS_FACTOR }]
}

export const accountKey = (email: string): string => `account:${digest(email)}`

/** Bounded in size, and no list of addresses in memory or in a store. */
const digest = (text: string) => createHash('sha256').update(text).digest('base64url')
