import { PostalAddressBody, postalAddressFields } from '@micromart/contracts/postal-address'
import Type, { type Static } from 'typebox'
import type { OpenAccount, SavedAddress } from '../account-ports.ts'
import { LONGEST_PASSWORD, SHORTEST_PASSWORD } from '../domain/password.ts'
import { UserBody } from './user-schemas.ts'

const strict = { additionalProperties: false }

export const Email = Type.String({ minLength: 1, maxLength: 320 })

export const NewPasswordText = Type.String({
  minLength: SHORTEST_PASSWORD,
  maxLength: LONGEST_PASSWORD,
  description: 'any characters; those that everybody tries first are refused',
})

/** Longer than one can be chosen is no fault of form: it is wrong. */
export const KnownPassword = Type.String({ minLength: 1, maxLength: 1_000, description: 'the password of now' })

export const Token = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'what stands behind #token= in the link',
})

export const TokenBody = Type.Object({ token: Token }, strict)

/** Nothing to say but the status. */
export const Nothing = Type.Null()

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const ProfileBody = Type.Object({
  ...UserBody.properties,
  locale: nullable(Type.String({ description: 'BCP 47, such as en-GB' })),
  marketingConsent: Type.Boolean({ description: 'may be written to with offers' }),
  createdAt: Type.String(),
})
export type ProfileBody = Static<typeof ProfileBody>

export const profileOf = ({ id, email, emailVerified, name, roles, ...account }: OpenAccount): ProfileBody => ({
  ...{ id, email, emailVerified, name, roles: [...roles] },
  locale: account.locale,
  marketingConsent: account.marketingConsentAt !== null,
  createdAt: account.createdAt.toISOString(),
})

export const ProfileChangeBody = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    locale: Type.Optional(nullable(Type.String({ minLength: 2, maxLength: 35 }))),
    marketingConsent: Type.Optional(Type.Boolean()),
  },
  { ...strict, minProperties: 1 },
)
export type ProfileChangeBody = Static<typeof ProfileChangeBody>

export const AddressWishBody = Type.Object(
  {
    ...postalAddressFields,
    isDefaultShipping: Type.Optional(Type.Boolean({ description: 'at most one address is; left out, it stays' })),
    isDefaultBilling: Type.Optional(Type.Boolean()),
  },
  strict,
)
export type AddressWishBody = Static<typeof AddressWishBody>

export const AddressBody = Type.Object({
  id: Type.String(),
  ...Type.Required(PostalAddressBody).properties,
  isDefaultShipping: Type.Boolean(),
  isDefaultBilling: Type.Boolean(),
})
export type AddressBody = Static<typeof AddressBody>

export const AddressListBody = Type.Object({ items: Type.Array(AddressBody) })

export const addressBodyOf = ({ version: _, ...address }: SavedAddress): AddressBody => address

/** Being the default is part of what is shown, and is kept elsewhere. */
export const addressVersion = ({ version, isDefaultShipping, isDefaultBilling }: SavedAddress) => ({
  version: `${version}${isDefaultShipping ? 's' : ''}${isDefaultBilling ? 'b' : ''}`,
})
