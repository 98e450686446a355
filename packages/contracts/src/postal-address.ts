import Type, { type Static } from 'typebox'

/** One line of text: no control characters, no halves of surrogate pairs. */
const line = (maxLength: number, minLength = 1) =>
  Type.String({ minLength, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f\\ud800-\\udfff]*$' })

/** The fields of a postal address as people type them, for a checkout and for the address book alike. */
export const postalAddressFields = {
  name: line(200),
  line1: line(200),
  line2: Type.Optional(line(200, 0)),
  city: line(100),
  region: Type.Optional(line(100, 0)),
  postalCode: line(20),
  country: Type.String({ pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2' }),
}

export const PostalAddressBody = Type.Object(postalAddressFields, { additionalProperties: false })
export type PostalAddressBody = Static<typeof PostalAddressBody>
