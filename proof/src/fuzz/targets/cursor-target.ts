import { decodeCursor, encodeCursor } from '@micromart/http-kit/cursor'
import { mutate, mutateValue, noise } from '../mutate.ts'
import { refusedBy } from '../refusal.ts'
import type { FuzzTarget } from '../target.ts'

const keys = [['01931c2e-7a5f-7b0a-9c1d-0123456789ab'], ['0.0607', '01931c2e'], ['2026-11-21T12:00:00.000Z', 'a']]
const words = ['WyJ', 'W10', 'bnVsbA', '=', '_', '-', '[', ']']

/** A cursor is taken when it holds as many texts as the list asks for; put together again, they are the same cursor to the list. */
export const cursorTarget: FuzzTarget = {
  name: 'cursor',
  what: 'page cursors; a fault is a crash, or a key that is not the texts that the list asks for',
  open: () => ({
    input: (random) => {
      const kind = random.next()
      const key = random.pick(keys)
      if (kind < 0.45) return mutate(random, encodeCursor(key), words)
      if (kind < 0.85) return Buffer.from(JSON.stringify(mutateValue(random, key)) ?? '').toString('base64url')
      if (kind < 0.95) return Buffer.from(mutate(random, JSON.stringify(key), words)).toString('base64url')
      return noise(random)
    },
    run: (input) => ([1, 2].some((length) => takes(input, length)) ? 'accepted' : 'refused'),
  }),
}

function takes(input: string, length: number): boolean {
  const key = keyOf(input, length)
  if (key === undefined) return false
  if (key.length !== length || !key.every((part) => typeof part === 'string'))
    throw new Error(`took ${JSON.stringify(key)}`)
  if (JSON.stringify(keyOf(encodeCursor(key), length)) !== JSON.stringify(key))
    throw new Error('the key of a cursor gives another cursor')
  return true
}

function keyOf(input: string, length: number): readonly string[] | undefined {
  try {
    return decodeCursor(input, length)
  } catch (error) {
    refusedBy(error, ['request.bad-cursor'])
    return undefined
  }
}
