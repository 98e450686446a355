/** PostgreSQL's advisory locks: numbers that a session or a transaction holds, as often as it likes. */
export interface AdvisoryLocks<Holder> {
  /** @returns who has it, if that is somebody else */
  take(holder: Holder, key: number, scope: 'session' | 'transaction'): Holder | undefined
  /** Gives back one of the session's. @returns whether it had one */
  unlock(holder: Holder, key: number): boolean
  endTransaction(holder: Holder): void
  endSession(holder: Holder): void
}

export function createAdvisoryLocks<Holder>(): AdvisoryLocks<Holder> {
  const locks = new Map<number, { readonly holder: Holder; session: number; transaction: number }>()
  const forgetFree = (key: number) => {
    const lock = locks.get(key)
    if (lock && lock.session + lock.transaction === 0) locks.delete(key)
  }
  const each = (holder: Holder, change: (lock: { session: number; transaction: number }) => void) => {
    for (const [key, lock] of locks) {
      if (lock.holder !== holder) continue
      change(lock)
      forgetFree(key)
    }
  }
  return {
    take: (holder, key, scope) => {
      const lock = locks.get(key) ?? { holder, session: 0, transaction: 0 }
      if (lock.holder !== holder) return lock.holder
      lock[scope] += 1
      locks.set(key, lock)
      return undefined
    },
    unlock: (holder, key) => {
      const lock = locks.get(key)
      if (lock?.holder !== holder || lock.session === 0) return false
      lock.session -= 1
      forgetFree(key)
      return true
    },
    endTransaction: (holder) =>
      each(holder, (lock) => {
        lock.transaction = 0
      }),
    endSession: (holder) =>
      each(holder, (lock) => {
        lock.transaction = 0
        lock.session = 0
      }),
  }
}
