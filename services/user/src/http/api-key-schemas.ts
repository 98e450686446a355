import { Instant } from '@micromart/contracts/message'
import type { Permission } from '@micromart/contracts/permissions'
import Type from 'typebox'
import { allScopes } from '../domain/api-key.ts'

const ScopesBody = Type.Array(Type.Unsafe<Permission>(Type.String({ enum: [...allScopes] })), {
  minItems: 1,
  maxItems: allScopes.length,
  uniqueItems: true,
})

export const ApiKeyBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    scopes: ScopesBody,
    expiresInDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 365, description: 'default 90' })),
  },
  { additionalProperties: false },
)

const maybe = Type.Union([Instant, Type.Null()])

const shown = {
  id: Type.String(),
  name: Type.String(),
  scopes: Type.Array(Type.String()),
  createdAt: Instant,
  expiresAt: Instant,
  lastUsedAt: maybe,
  revokedAt: maybe,
}

export const ApiKeyList = Type.Object({ items: Type.Array(Type.Object(shown)) })

export const MadeApiKeyBody = Type.Object({
  ...shown,
  key: Type.String({
    description: 'shown as a bearer token, or exchanged at /api/v1/auth/token; nobody can read it again',
  }),
})

/** Whatever is no key of ours is a wrong one, whatever it looks like. */
export const ExchangeBody = Type.Object(
  { apiKey: Type.String({ minLength: 1, maxLength: 200 }) },
  { additionalProperties: false },
)

export const MachineTokenBody = Type.Object({
  accessToken: Type.String(),
  tokenType: Type.Literal('Bearer'),
  expiresIn: Type.Integer({ description: 'seconds' }),
  scope: Type.String({ description: 'permissions, separated by blanks' }),
})
