import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allPermissions, permissionsOf } from './permissions.ts'

test('a role may do what the table says and nothing else; several roles may do what any of them may', () => {
  assert.deepEqual(permissionsOf([]), [])
  assert.deepEqual(permissionsOf(['customer']), [])
  assert.deepEqual(permissionsOf(['admin']), allPermissions)
  assert.deepEqual(permissionsOf(['customer', 'staff']), permissionsOf(['staff']))
  const adminsOnly = allPermissions.filter((permission) => !permissionsOf(['staff']).includes(permission))
  assert.deepEqual(adminsOnly, ['people:erase', 'roles:write', 'security-log:read', 'signing-keys:write'])
})
