import { createHash, randomBytes } from 'node:crypto'
import { kitProblem } from '@micromart/http-kit/problem'
import { hash, hashRaw, verify } from '@node-rs/argon2'
import type { Passwords } from '../ports.ts'
import { boundedWork } from './bounded-work.ts'

/** Argon2id (the library's default kind) as OWASP's Password Storage Cheat Sheet asks at least: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Four at once are 76 MiB; a longer queue would only let people wait for an answer that comes too late. */
const LIMITS = { running: 4, waiting: 64 }

/** NIST SP 800-63B: the same password typed on another keyboard is the same password. */
const normal = (password: string): string => password.normalize('NFKC')

export async function argon2Passwords(limits = LIMITS): Promise<Passwords> {
  const bounded = boundedWork({
    ...limits,
    refuse: () => {
      throw kitProblem('service.unavailable', 'Too many people are signing in right now; try again in a moment')
    },
  })
  const nobodysHash = await hash(randomBytes(32), COST)
  return {
    hash: (password) => bounded(() => hash(normal(password), COST)),
    verify: async (known, password) =>
      (await bounded(() => verify(known ?? nobodysHash, normal(password)))) && typeof known === 'string',
    fingerprint: async (password, salt) => {
      const options = { ...COST, salt: createHash('sha256').update(salt).digest() }
      return (await bounded(() => hashRaw(normal(password), options))).toString('base64url')
    },
  }
}
