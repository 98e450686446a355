import { createHash } from 'node:crypto'

// In the place of @node-rs/argon2: a real password hash takes a thread and 50 ms for each start of the user service, and is not what a seed is about.

const digest = (password: string | Uint8Array) => createHash('sha256').update(password).digest()

export const hash = async (password: string | Uint8Array): Promise<string> => digest(password).toString('hex')
export const hashRaw = async (password: string | Uint8Array): Promise<Buffer> => digest(password)
export const verify = async (known: string, password: string | Uint8Array): Promise<boolean> =>
  known === digest(password).toString('hex')
