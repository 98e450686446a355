import { LRUCache } from 'lru-cache'
import { bytesOf, type KeptAnswer } from './kept-answer.ts'

/** Kept answers, the least used given up for new ones. */
export interface AnswerStore {
  get(key: string): KeptAnswer | undefined
  /** Takes the place of one with the same key; also for one that has grown. */
  put(kept: KeptAnswer): void
  has(kept: KeptAnswer): boolean
  /** Gives up whatever has one of the tags. */
  empty(tags: readonly string[]): void
  emptyAll(): void
  readonly bytes: () => number
  readonly entries: () => number
}

export function createAnswerStore(mostBytes: number): AnswerStore {
  const keysOfTag = new Map<string, Set<string>>()

  const forget = ({ key, tags }: KeptAnswer) => {
    for (const tag of tags) {
      const keys = keysOfTag.get(tag)
      keys?.delete(key)
      if (keys?.size === 0) keysOfTag.delete(tag)
    }
  }
  const remember = ({ key, tags }: KeptAnswer) => {
    for (const tag of tags) {
      const keys = keysOfTag.get(tag)
      if (keys) keys.add(key)
      else keysOfTag.set(tag, new Set([key]))
    }
  }

  const kept = new LRUCache<string, KeptAnswer>({
    maxSize: mostBytes,
    maxEntrySize: Math.floor(mostBytes / 4),
    sizeCalculation: bytesOf,
    dispose: forget,
  })

  return {
    get: (key) => kept.get(key),
    put: (answer) => {
      kept.delete(answer.key)
      kept.set(answer.key, answer)
      if (kept.has(answer.key)) remember(answer)
    },
    has: (answer) => kept.peek(answer.key) === answer,
    empty: (tags) => {
      for (const tag of tags) for (const key of [...(keysOfTag.get(tag) ?? [])]) kept.delete(key)
    },
    emptyAll: () => kept.clear(),
    bytes: () => kept.calculatedSize,
    entries: () => kept.size,
  }
}
