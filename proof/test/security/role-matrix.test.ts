import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { allPermissions, type Permission, permissionsOf, type Role } from '@micromart/contracts/permissions'
import type { Access } from '@micromart/http-kit/identity'
import { serviceNames } from '@micromart/service-kit/service'
import { openAccount } from '../../src/newcomer.ts'
import type { Target } from './abuse-case.ts'
import { bearer, NEW_PASSWORD, openScene, type Scene } from './scene.ts'
import { send } from './send.ts'
import { asPerson, openDoor } from './unprotected/door.ts'

interface Operation {
  readonly method: string
  readonly path: string
  readonly access: Access | undefined
}

interface Subject {
  readonly name: string
  /** What this one may do beside what is open to all; a machine is nobody who signed in. */
  readonly isPerson: boolean
  readonly permissions: readonly Permission[]
  readonly token: string | undefined
}

type Document = { paths: Record<string, Record<string, Record<string, unknown>>> }

const nameOf = ({ method, path }: Pick<Operation, 'method' | 'path'>) =>
  `${method} ${path.replaceAll(/\{[^}]+\}/g, '{}')}`

/** Without a requirement an operation is open; one with a requirement has to say which. */
const operationsIn = ({ paths }: Document): readonly Operation[] =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { security, 'x-access': access }]) => ({
      method: method.toUpperCase(),
      path,
      access: security === undefined && access === undefined ? 'public' : (access as Access | undefined),
    })),
  )

const mayCall = (access: Access, { isPerson, permissions }: Subject): boolean => {
  if (access === 'public') return true
  return access === 'signed-in' ? isPerson : permissions.includes(access)
}

type Outcome = 'let in' | 'asked to sign in' | 'forbidden'

const expected = (access: Access, subject: Subject): Outcome => {
  if (mayCall(access, subject)) return 'let in'
  return subject.token === undefined ? 'asked to sign in' : 'forbidden'
}

/** Ids that name nothing and a body that fits nowhere, so that whoever is let in changes nothing. */
async function happens(target: Target, { method, path }: Operation, { token }: Subject): Promise<Outcome> {
  const body = ['GET', 'HEAD'].includes(method) ? {} : { body: { 'no-such-field': true } }
  const headers = token === undefined ? {} : bearer(token)
  const answer = await send(target, { method, path: path.replaceAll(/\{[^}]+\}/g, randomUUID()), headers, ...body })
  if (answer.said === '401 auth.required') return 'asked to sign in'
  return answer.said === '403 auth.forbidden' ? 'forbidden' : 'let in'
}

/** A key for keys would outlive the one who made it: whatever its scope, the handler lets no key make or see keys. */
const isForPersons = ({ access }: Operation, { isPerson, permissions }: Subject) =>
  access === 'api-keys:write' && !isPerson && permissions.length > 0

const cellsOf = (operations: readonly Operation[], subjects: readonly Subject[]) =>
  operations.flatMap((operation) => {
    const { access } = operation
    if (access === undefined) return []
    return subjects
      .filter((subject) => !isForPersons(operation, subject))
      .map((subject) => ({ operation, subject, due: expected(access, subject) }))
  })

/** Every cell of the matrix that is not as it is declared. */
async function faultsOf(target: Target, operations: readonly Operation[], subjects: readonly Subject[]) {
  const faults = operations
    .filter(({ access }) => access === undefined)
    .map((operation) => `${nameOf(operation)} declares no access`)
  for (const { operation, subject, due } of cellsOf(operations, subjects)) {
    const real = await happens(target, operation, subject)
    if (due !== real) faults.push(`${nameOf(operation)} (${operation.access}): ${subject.name} is ${real}, not ${due}`)
  }
  return faults
}

describe('role x operation', () => {
  let scene: Scene
  let operations: readonly Operation[]
  let subjects: readonly Subject[]
  before(async () => {
    scene = await openScene()
    operations = operationsIn((await send(scene, { path: '/openapi.json' })).body)
    subjects = await subjectsOf(scene)
  })
  after(() => scene?.close())

  test('the document of the gateway holds every operation of every service, and each declares who may call it', async () => {
    const urls = await serviceUrls(scene)
    assert.deepEqual([...urls.keys()].sort(), [...serviceNames].sort())
    const own = await Promise.all(
      [...urls.values()].map(async (url) => operationsIn((await send({ url }, { path: '/openapi.json' })).body)),
    )
    const inServices = own.flat().map(nameOf).sort()
    assert.deepEqual(operations.map(nameOf).sort(), inServices)
    assert.ok(inServices.length > 30)
    assert.deepEqual(operations.filter(({ access }) => access === undefined).map(nameOf), [])
    const known: readonly unknown[] = ['public', 'signed-in', ...allPermissions]
    assert.deepEqual(operations.filter(({ access }) => !known.includes(access)).map(nameOf), [])
  })

  test('everybody is let in where it is declared and nowhere else', async (t) => {
    t.diagnostic(`${operations.length} operations x ${subjects.length} subjects`)
    const keys = operations.filter(({ path }) => path.startsWith('/api/v1/api-keys'))
    const forPersons = operations.filter((operation) => subjects.some((subject) => isForPersons(operation, subject)))
    assert.deepEqual(forPersons, keys)
    assert.deepEqual(await faultsOf(scene, operations, subjects), [])
  })

  test('a door that lets everybody in as an admin, and one that lets in nobody, are found out everywhere', async (t) => {
    const cells = (isWrong: (due: Outcome) => boolean) =>
      cellsOf(operations, subjects).filter(({ due }) => isWrong(due)).length
    const open = await openDoor(scene.url, (asked) => asPerson(asked, scene.people.admin.token))
    t.after(open.close)
    assert.equal(
      (await faultsOf(open, operations, subjects)).length,
      cells((outcome) => outcome !== 'let in'),
    )
    const shut = await openDoor(scene.url, () => ({ status: 403, body: { code: 'auth.forbidden' } }))
    t.after(shut.close)
    assert.equal(
      (await faultsOf(shut, operations, subjects)).length,
      cells((outcome) => outcome !== 'forbidden'),
    )
    const [first] = operations
    assert.ok(first)
    assert.equal((await faultsOf(scene, [{ ...first, access: undefined }], subjects)).length, 1)
  })
})

/** Accounts of their own, which may be closed and signed out by what is tried with them; what they may do stands in their tokens. */
async function subjectsOf(scene: Scene): Promise<readonly Subject[]> {
  const person = async (name: string, ...roles: readonly Role[]): Promise<Subject> => {
    const made = await openAccount(scene.call, { email: `${randomUUID()}@example.com`, password: NEW_PASSWORD, name })
    const token = scene.sign({ claims: { sub: made.user.id, roles, sid: randomUUID() } })
    return { name, isPerson: true, permissions: permissionsOf(roles), token }
  }
  const machine = (permission: Permission): Subject => {
    const claims = { sub: randomUUID(), client_id: 'till-1', scope: permission, roles: undefined, sid: undefined }
    return {
      name: `a key for ${permission}`,
      isPerson: false,
      permissions: [permission],
      token: scene.sign({ claims }),
    }
  }
  return [
    { name: 'nobody', isPerson: false, permissions: [], token: undefined },
    await person('a customer', 'customer'),
    await person('another customer', 'customer'),
    await person('staff', 'customer', 'staff'),
    await person('an admin', 'customer', 'admin'),
    ...allPermissions.map(machine),
    await keyAsItIs(scene, 'stock:read', 'catalogue:write'),
  ]
}

/** A real key, which is shown to the gateway itself and not exchanged before. */
async function keyAsItIs(scene: Scene, ...permissions: readonly Permission[]): Promise<Subject> {
  const body = { name: 'Till', scopes: permissions }
  const { body: made } = await scene.call({ method: 'POST', path: '/api/v1/api-keys', body }, scene.people.staff.token)
  return { name: 'a key that is not exchanged', isPerson: false, permissions, token: made.key }
}

/** As each of them has told the log when it started. */
async function serviceUrls(scene: Scene): Promise<ReadonlyMap<string, string>> {
  const lines = (await scene.log()).split('\n').filter((line) => line.includes('"started"'))
  return new Map(
    lines.map((line) => {
      const { service, url } = JSON.parse(line)
      return [service, url] as const
    }),
  )
}
