import Type from 'typebox'

const provider = Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$' })

/** A path on the shop's own address: whatever could lead to another is no path. */
const returnTo = Type.String({
  pattern: '^/([!-.0-\\[\\]-~][!-\\[\\]-~]{0,499})?$',
  description: 'a path of the shop that the browser comes back to; default /',
})
const password = Type.String({ minLength: 1, maxLength: 1_000, description: 'the password of the account, once more' })

export const ProviderParams = Type.Object({ provider })

export const StartQuery = Type.Object({ returnTo: Type.Optional(returnTo) }, { additionalProperties: false })

/** What providers send along differs; all of it is judged by the one that sent the browser away. */
export const ComeBackQuery = Type.Object(
  {
    state: Type.Optional(Type.String()),
    code: Type.Optional(Type.String()),
    error: Type.Optional(Type.String()),
    iss: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
)

export const ProvidersBody = Type.Object({
  items: Type.Array(Type.Object({ name: Type.String(), label: Type.String() })),
})

export const AddIdentityBody = Type.Object(
  { provider, password, returnTo: Type.Optional(returnTo) },
  { additionalProperties: false },
)

export const AuthorizationBody = Type.Object({
  authorizationUrl: Type.String({ description: 'where the browser goes; it has to keep the cookie of this answer' }),
})

export const IdentitiesBody = Type.Object({
  items: Type.Array(
    Type.Object({ id: Type.String(), provider: Type.String(), linkedAt: Type.String({ format: 'date-time' }) }),
  ),
})
