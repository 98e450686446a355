export const allRoles = ['customer', 'staff', 'admin'] as const
export type Role = (typeof allRoles)[number]

/** Everything that somebody of the shop, or a machine, can be allowed to do. What is one's own needs no permission. */
export const allPermissions = [
  'api-keys:write',
  'catalogue:read',
  'catalogue:write',
  'coupons:read',
  'coupons:write',
  'orders:read',
  'orders:write',
  'payments:read',
  'people:erase',
  'roles:write',
  'sales:read',
  'security-log:read',
  'sessions:write',
  'signing-keys:write',
  'stock:read',
  'stock:write',
] as const
export type Permission = (typeof allPermissions)[number]

/** The one place that says what a role may do. */
const permissionsOfRole: Readonly<Record<Role, readonly Permission[]>> = {
  customer: [],
  staff: [
    'api-keys:write',
    'catalogue:read',
    'catalogue:write',
    'coupons:read',
    'coupons:write',
    'orders:read',
    'orders:write',
    'payments:read',
    'sales:read',
    'sessions:write',
    'stock:read',
    'stock:write',
  ],
  admin: allPermissions,
}

export const permissionsOf = (roles: readonly Role[]): readonly Permission[] =>
  allPermissions.filter((permission) => roles.some((role) => permissionsOfRole[role].includes(permission)))
