import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits in base64url. */
export const newOpaqueToken = (): string => randomBytes(32).toString('base64url')

/** What is stored and looked up instead of the token. A quick digest is enough: so much chance cannot be guessed. */
export const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64url')
