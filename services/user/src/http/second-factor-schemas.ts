import Type from 'typebox'

/** Six digits, or a recovery code however it is typed. */
const code = Type.String({ minLength: 6, maxLength: 40 })
const password = Type.String({ minLength: 1, maxLength: 1_000, description: 'the password of the account, once more' })

export const EnrolBody = Type.Object({ password }, { additionalProperties: false })
export const ConfirmBody = Type.Object({ code }, { additionalProperties: false })
export const ProvenBody = Type.Object({ password, code }, { additionalProperties: false })

export const ChallengeAnswerBody = Type.Object(
  { challenge: Type.String({ minLength: 1, maxLength: 100 }), code },
  { additionalProperties: false },
)

export const ChallengeBody = Type.Object(
  {
    challenge: Type.String({
      description: 'goes to /api/v1/auth/login/second-factor with a code; it opens nothing else',
    }),
    expiresIn: Type.Integer({ description: 'seconds' }),
  },
  { description: 'The password was right; the second factor is still owed' },
)

export const StatusBody = Type.Object({
  isOn: Type.Boolean(),
  recoveryCodesLeft: Type.Integer(),
})

export const SecretBody = Type.Object({
  secret: Type.String({ description: 'base32, for typing; shown this once' }),
  uri: Type.String({ description: 'otpauth://, for a QR code; shown this once' }),
})

export const RecoveryCodesBody = Type.Object({
  recoveryCodes: Type.Array(Type.String(), { description: 'each opens the account once; shown this once' }),
})
