import { createHash, randomBytes } from 'node:crypto'

/** A guest's key to a cart and to the order that comes of it: 256 random bits in base64url, in the header `Cart-Token`. */
export const newCartToken = (): string => randomBytes(32).toString('base64url')

/** What is stored and compared instead of the token itself. */
export const hashCartToken = (token: string): string => createHash('sha256').update(token).digest('base64url')
