import type { Ids } from '@micromart/kernel/ids'
import type { Database } from '@micromart/postgres/database'
import type { Role } from './domain/account.ts'
import type { Passwords, Users } from './ports.ts'

export const DEMO_PASSWORD = 'micromart-demo'

const people: readonly { email: string; name: string; roles: readonly Role[] }[] = [
  { email: 'admin@micromart.test', name: 'Demo Admin', roles: ['customer', 'staff', 'admin'] },
  { email: 'staff@micromart.test', name: 'Demo Staff', roles: ['customer', 'staff'] },
  { email: 'shopper@micromart.test', name: 'Demo Shopper', roles: ['customer'] },
]

/** Makes the accounts that are missing; those that are there stay as they are. */
export async function ensureDemoAccounts(parts: {
  database: Database
  users: Users
  passwords: Passwords
  ids: Ids
}): Promise<void> {
  const { database, users, passwords, ids } = parts
  const ensure = async (person: (typeof people)[number]) => {
    if (await users.findByEmail(person.email)) return
    await users.add(database, { ...person, id: ids.next(), passwordHash: await passwords.hash(DEMO_PASSWORD) })
  }
  await Promise.all(people.map(ensure))
}
