import { createHash } from 'node:crypto'
import { allPermissions, permissionsOf, type Role } from '@micromart/contracts/permissions'
import { isUuid } from '@micromart/kernel/ids'
import { type ApiKeys, createApiKeys } from '@micromart/user/api-keys'
import { digestOf } from '@micromart/user/opaque-token'
import type { Random } from '../../random.ts'
import { mutate, noise } from '../mutate.ts'
import type { FuzzTarget } from '../target.ts'

const NOW = new Date('2026-11-21T12:00:00.000Z')
const LATER = new Date('2027-01-01T00:00:00.000Z')
const EARLIER = new Date('2026-11-21T11:59:59.999Z')

type ApiKey = Awaited<ReturnType<ApiKeys['list']>>[number]

interface Made {
  readonly kept: ApiKey & { readonly digest: string }
  readonly secret: string
  readonly text: string
}

/** As they are shown to whoever has one made. */
const spelled = (id: string, secret: string) => `mm_${id.replaceAll('-', '')}_${secret}`

/** Always the same for a name, so that the same seed fires the same keys. */
function keyOf(name: string, changes: Partial<ApiKey> = {}): Made {
  const secret = createHash('sha256').update(`a key of the fuzzer: ${name}`).digest('base64url')
  const hex = createHash('sha256').update(name).digest('hex')
  const id = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  const kept = {
    ...{ id, ownerId: 'staff', name, scopes: ['orders:read'] as const, createdAt: EARLIER, expiresAt: LATER },
    ...{ lastUsedAt: NOW, revokedAt: null, ...changes, digest: digestOf(secret) },
  }
  return { kept, secret, text: spelled(id, secret) }
}

const owners: Readonly<Record<string, readonly Role[]>> = { staff: ['staff'], customer: ['customer'] }
const keys: readonly Made[] = [
  keyOf('good'),
  keyOf('everything', { scopes: allPermissions }),
  keyOf('degraded', { ownerId: 'customer', scopes: allPermissions }),
  keyOf('expired', { expiresAt: EARLIER }),
  keyOf('expires now', { expiresAt: NOW }),
  keyOf('revoked', { revokedAt: EARLIER }),
  keyOf('of nobody', { ownerId: 'gone' }),
]
const isInOrder = ({ kept }: Made) =>
  kept.revokedAt === null && kept.expiresAt.getTime() > NOW.getTime() && kept.ownerId in owners
const words = [
  'mm_',
  'MM_',
  '_',
  '-',
  '=',
  '+',
  '/',
  '%5F',
  ' ',
  '\n',
  '\u0000',
  'sk_',
  ...keys.map(({ text }) => text),
]

/** Keys that one finds by asking the shop itself; the store holds good ones, old ones, and those of people who are gone. */
export const apiKeyTarget: FuzzTarget = {
  name: 'api-key',
  what: 'API keys; a fault is a crash, a key that was not made here or is over and opens something, or one that may do more than its owner',
  open: () => {
    const scopes: string[] = []
    const exchange = exchangeOf((scope) => scopes.push(scope))
    return {
      input,
      run: async (text) => {
        scopes.length = 0
        const exchanged = await exchange(text)
        if (!exchanged.ok && scopes.length > 0) throw new Error('made a token for a refused key')
        if (!exchanged.ok) {
          if (exchanged.error.code !== 'user.api-key-invalid') throw new Error(`refused with ${exchanged.error.code}`)
          return 'refused'
        }
        const complaint = complaintAbout(text, exchanged.value.scope)
        if (complaint !== undefined) throw new Error(complaint)
        return 'accepted'
      },
    }
  },
}

/** Judged by what is known of the keys: what is wrong with one that was let in; undefined if it is in order. */
function complaintAbout(text: string, scope: string): string | undefined {
  const key = keys.find((one) => one.text === text)
  if (!key || !isInOrder(key)) return 'took a key that is none'
  const own: readonly string[] = permissionsOf(owners[key.kept.ownerId] ?? [])
  const asked: readonly string[] = key.kept.scopes
  const beyond = scope.split(' ').filter((one) => one !== '' && !(own.includes(one) && asked.includes(one)))
  return beyond.length > 0 ? `opens ${beyond.join(' ')}` : undefined
}

function input(random: Random): string {
  const [one, other] = [random.pick(keys), random.pick(keys)]
  const kind = random.next()
  if (kind < 0.2) return one.text
  if (kind < 0.3) return spelled(one.kept.id, other.secret)
  if (kind < 0.95) return mutate(random, one.text, words)
  return noise(random)
}

function exchangeOf(noteScope: (scope: string) => void) {
  const unused = undefined as never
  const apiKeys = createApiKeys({
    ...{ database: unused, outbox: unused, audit: unused, ids: unused },
    clock: { now: () => NOW },
    store: {
      find: async (id: string) => {
        if (!isUuid(id)) throw new Error(`asked the store for ${id}`)
        return keys.find(({ kept }) => kept.id === id)?.kept
      },
      noteUse: async () => {},
    } as never,
    users: { find: async (id: string) => (id in owners ? { id, roles: owners[id] } : undefined) } as never,
    tokens: {
      issueToMachine: async ({ scope, ttlS }: { scope: string; ttlS: number }) => {
        noteScope(scope)
        if (!(ttlS >= 1 && ttlS <= 300)) throw new Error(`made a token for ${ttlS} s`)
        return { accessToken: 'a token', expiresIn: ttlS }
      },
    } as never,
  })
  return apiKeys.exchange
}
