import type { MailThrottle } from '../account-ports.ts'
import type { SignInThrottle } from '../ports.ts'

/** Any counter of attempts counts mails as well: each one asked for is one "failure". */
export const mailThrottle = (counter: SignInThrottle): MailThrottle => ({
  admit: async (attempt) => {
    const waitMs = await counter.waitMs(attempt)
    if (waitMs === 0) await counter.failed(attempt)
    return waitMs
  },
})
