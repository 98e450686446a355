import { Instant } from '@micromart/contracts/message'
import Type from 'typebox'
import { LONGEST_PASSWORD, SHORTEST_PASSWORD } from '../domain/password.ts'

const RoleBody = Type.Union([Type.Literal('customer'), Type.Literal('staff'), Type.Literal('admin')])

export const UserBody = Type.Object({
  id: Type.String(),
  email: Type.String(),
  emailVerified: Type.Boolean({ description: 'a mail to the address was answered' }),
  name: Type.String(),
  roles: Type.Array(RoleBody),
})

export const SignedInBody = Type.Object({
  user: UserBody,
  accessToken: Type.String({ description: 'send it as "Authorization: Bearer ..."' }),
  tokenType: Type.Literal('Bearer'),
  expiresIn: Type.Integer({ description: 'seconds' }),
  refreshToken: Type.String({ description: 'good for one use at /api/v1/auth/refresh' }),
  refreshExpiresIn: Type.Integer({ description: 'seconds' }),
})

const email = Type.String({ minLength: 1, maxLength: 320 })

export const RegisterBody = Type.Object(
  {
    email,
    password: Type.String({ minLength: SHORTEST_PASSWORD, maxLength: LONGEST_PASSWORD }),
    name: Type.String({ minLength: 1, maxLength: 200 }),
  },
  { additionalProperties: false },
)

/** Longer and shorter passwords than one can register are no fault of form: they are wrong. */
export const LoginBody = Type.Object(
  { email, password: Type.String({ minLength: 1, maxLength: 1_000 }) },
  { additionalProperties: false },
)

/** Whatever is no token of ours is a wrong one, whatever it looks like. */
const refreshToken = Type.String({ minLength: 1, maxLength: 200 })

export const RefreshBody = Type.Object({ refreshToken }, { additionalProperties: false })

export const LogoutBody = Type.Optional(
  Type.Union([
    Type.Object({ refreshToken: Type.Optional(refreshToken) }, { additionalProperties: false }),
    Type.Null(),
  ]),
)

export const SessionList = Type.Object({
  items: Type.Array(
    Type.Object({
      id: Type.String(),
      userAgent: Type.String({ description: 'what the device said of itself' }),
      isCurrent: Type.Boolean({ description: 'the one that asks' }),
      createdAt: Instant,
      lastUsedAt: Instant,
      expiresAt: Type.String({ description: 'RFC 3339, UTC; over then at the latest' }),
    }),
  ),
})

export const RolesBody = Type.Object(
  { roles: Type.Array(RoleBody, { minItems: 1, maxItems: 3, uniqueItems: true }) },
  { additionalProperties: false },
)

const text = Type.String()

export const JwksBody = Type.Object({
  keys: Type.Array(Type.Object({ kty: text, crv: text, x: text, kid: text, alg: text, use: text })),
})

export const SigningKeyList = Type.Object({
  items: Type.Array(
    Type.Object({
      kid: text,
      state: Type.Union([Type.Literal('signing'), Type.Literal('waiting'), Type.Literal('retired')]),
      createdAt: Instant,
      signsFrom: Type.Union([Instant, Type.Null()]),
    }),
  ),
})
