import { API_KEY_FORM, API_KEY_PREFIX } from '@micromart/contracts/api-key'
import { allPermissions, type Permission, permissionsOf, type Role } from '@micromart/contracts/permissions'

/** A key that lets a machine in, as far as it may be shown. */
export interface ApiKey {
  readonly id: string
  readonly ownerId: string
  readonly name: string
  readonly scopes: readonly Permission[]
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

/** With these a key could make itself another that outlives it, or its owner something that the owner is not. */
const forPeopleOnly: readonly Permission[] = ['api-keys:write', 'roles:write', 'signing-keys:write']

/** What a key can be made for at all. */
export const allScopes: readonly Permission[] = allPermissions.filter(
  (permission) => !forPeopleOnly.includes(permission),
)

/** What a key may do now: never more than its owner may. */
export const scopeNow = ({ scopes }: ApiKey, ownersRoles: readonly Role[]): readonly Permission[] =>
  permissionsOf(ownersRoles).filter((permission) => scopes.includes(permission) && allScopes.includes(permission))

export const isGood = ({ expiresAt, revokedAt }: ApiKey, now: Date): boolean => revokedAt === null && expiresAt > now

export const spellApiKey = (id: string, secret: string): string =>
  `${API_KEY_PREFIX}${id.replaceAll('-', '')}_${secret}`

export function readApiKey(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, ...parts] = API_KEY_FORM.exec(text) ?? []
  const secret = parts.pop()
  return secret === undefined ? undefined : { id: parts.join('-'), secret }
}
