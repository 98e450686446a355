import type { Role } from '@micromart/contracts/permissions'
import type { Ids } from '@micromart/kernel/ids'
import type { Database } from '@micromart/postgres/database'
import { ConfigError } from '@micromart/service-kit/config'
import type { UserConfig } from './config.ts'
import { parseEmail } from './domain/account.ts'
import type { Passwords, Users } from './ports.ts'

/** An account that is there from the first start on, because nobody could make it through the API. */
export interface FirstAccount {
  readonly email: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly password: string
}

export const DEMO_PASSWORD = 'micromart-demo'

const everyRole = ['customer', 'staff', 'admin'] as const
const demoAccounts: readonly FirstAccount[] = [
  { email: 'admin@micromart.test', name: 'Demo Admin', roles: everyRole, password: DEMO_PASSWORD },
  { email: 'staff@micromart.test', name: 'Demo Staff', roles: ['customer', 'staff'], password: DEMO_PASSWORD },
  { email: 'shopper@micromart.test', name: 'Demo Shopper', roles: ['customer'], password: DEMO_PASSWORD },
]

/** The accounts that the configuration asks for. @throws ConfigError when it asks for what must not be */
export function firstAccounts(config: UserConfig & { readonly MICROMART_ENV: string }): readonly FirstAccount[] {
  if (config.USER_DEMO_ACCOUNTS && config.MICROMART_ENV === 'production')
    throw new ConfigError([
      'USER_DEMO_ACCOUNTS is true: accounts with a known password are refused while MICROMART_ENV is production',
    ])
  return [...(config.USER_DEMO_ACCOUNTS ? demoAccounts : []), ...admin(config)]
}

const SHORTEST_PASSWORD = 12

function admin({ USER_ADMIN_EMAIL: email, USER_ADMIN_PASSWORD: password }: UserConfig): readonly FirstAccount[] {
  if (email === '' && password === '') return []
  const faults = [
    ...(parseEmail(email).ok ? [] : ['USER_ADMIN_EMAIL is not an e-mail address']),
    ...(password.length >= SHORTEST_PASSWORD ? [] : [`USER_ADMIN_PASSWORD is shorter than ${SHORTEST_PASSWORD}`]),
  ]
  if (faults.length > 0) throw new ConfigError(faults)
  return [{ email, name: 'Admin', roles: everyRole, password }]
}

/**
 * Makes the accounts that are missing; those that are there stay as they are. The operator's word proves their addresses, those of older versions
 * too, for no mail may ever reach them; whoever only has the address of such an account, and not its roles, is not meant.
 */
export async function ensureAccounts(
  accounts: readonly FirstAccount[],
  { database, users, passwords, ids }: { database: Database; users: Users; passwords: Passwords; ids: Ids },
): Promise<void> {
  const ensure = async ({ password, email: text, ...person }: FirstAccount) => {
    const email = parseEmail(text)
    if (!email.ok) return
    const known = await users.findByEmail(email.value)
    const isMeant = known !== undefined && person.roles.every((role) => known.roles.includes(role))
    if (isMeant && !known.emailVerified) await users.noteVerified(known.id)
    if (known) return
    const passwordHash = await passwords.hash(password)
    await users.add(database, { ...person, email: email.value, emailVerified: true, id: ids.next(), passwordHash })
  }
  await Promise.all(accounts.map(ensure))
}
