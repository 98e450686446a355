import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ok } from '@micromart/kernel/result'
import type { AuditLog } from '@micromart/postgres/audit-log'
import type { Database, Transaction } from '@micromart/postgres/database'
import { createTimers } from '@micromart/postgres/timers'
import { createAccounts } from './accounts.ts'
import type { Account, Passwords, SignInThrottle, Users } from './ports.ts'
import { registrations } from './registration.ts'

/*
 * How long an answer takes is what is done for it. Times vary, so here the work is counted: every hash, every statement, every look into a store,
 * in its order. docs/security/README.md has times that were measured.
 */

const now = new Date('2026-11-21T12:00:00.000Z')
const unused = () => {
  throw new Error('nobody asks for this here')
}

const accountOf = (email: string, more: Partial<Account> = {}): Account => ({
  ...{ id: `id of ${email}`, email, emailVerified: true, name: 'Ada', roles: ['customer'], passwordHash: 'right' },
  ...more,
})

const known = [
  accountOf('proven@example.com'),
  accountOf('unproven@example.com', { emailVerified: false }),
  accountOf('provider@example.com', { passwordHash: null }),
]

/** The accounts, and a list of all that was done for an answer. */
function openBooks() {
  const work: string[] = []
  const did =
    <T>(what: string, answer: T) =>
    async () => {
      work.push(what)
      return answer
    }
  const passwords: Passwords = {
    hash: did('hash', 'a hash'),
    verify: async (hash, password) => {
      work.push('verify')
      return hash === password
    },
    fingerprint: unused,
  }
  const users: Pick<Users, 'findByEmail' | 'add'> = {
    findByEmail: async (email) => {
      work.push('find account')
      return known.find((account) => account.email === email)
    },
    add: unused,
  }
  const throttle: SignInThrottle = {
    waitMs: did('look at failures', 0),
    failed: did('count failure', undefined),
    succeeded: did('forgive failures', undefined),
  }
  const audit = { append: did('write audit log', undefined) } as AuditLog
  const tx = { write: (sql: string) => void work.push(sql.trim().split('\n')[0] ?? ''), afterCommit: () => {} }
  const transaction = tx as unknown as Transaction
  const database = { transaction: (run: (tx: Transaction) => Promise<unknown>) => run(transaction) } as Database
  const parts = { passwords, throttle, audit, database, ids: { next: () => 'an id' }, clock: { now: () => now } }
  const accounts = createAccounts({
    ...parts,
    users: users as Users,
    isCommon: () => false,
    mailLink: unused,
    needsVerifiedEmail: true,
  })
  const { askForAccount } = registrations({
    ...parts,
    users,
    accounts: { lockByEmail: unused },
    mailLink: unused,
    timers: createTimers(() => {}),
  })
  return { work, accounts, askForAccount, transaction }
}

async function workOfRegistering(email: string) {
  const { work, accounts, askForAccount, transaction } = openBooks()
  const account = await accounts.prepare({ email, name: 'Ada', password: 'a good password' })
  assert.ok(account.ok)
  await askForAccount(transaction, account.value)
  return work
}

async function workOfSigningIn(email: string, password: string) {
  const { work, accounts } = openBooks()
  const proved = await accounts.prove({ email, password, clientAddress: undefined })
  return { said: proved.ok ? ok(proved.value.id) : proved.error.code, work }
}

test('registering does one hash and one statement, and looks for no account, whatever the address is', async () => {
  const fresh = await workOfRegistering('nobody@example.com')
  assert.deepEqual(fresh, [
    'hash',
    'INSERT INTO timers (id, kind, subject, data, due_at, correlation_id, causation_id, traceparent)',
  ])
  for (const { email } of known) assert.deepEqual(await workOfRegistering(email), fresh, email)
})

test('a sign-in that fails does the same, for whatever reason it fails', async () => {
  const nobody = await workOfSigningIn('nobody@example.com', 'wrong')
  assert.equal(nobody.said, 'user.bad-credentials')
  assert.deepEqual(nobody.work, ['look at failures', 'find account', 'verify', 'count failure', 'write audit log'])
  for (const [email, password] of [
    ['proven@example.com', 'wrong'],
    ['provider@example.com', 'wrong'],
    ['unproven@example.com', 'wrong'],
    ['unproven@example.com', 'right'],
  ] as const)
    assert.deepEqual(await workOfSigningIn(email, password), nobody, `${email} ${password}`)
})

test('and one that succeeds is seen by what it is counted with', async () => {
  const { said, work } = await workOfSigningIn('proven@example.com', 'right')
  assert.deepEqual(said, ok('id of proven@example.com'))
  assert.equal(work.at(-1), 'forgive failures')
})
