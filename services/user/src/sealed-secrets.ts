import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { ConfigError } from '@micromart/service-kit/config'

/** Encrypts what must be read again, such as the secret of an authenticator app: AES-256-GCM, bound to what it is for. */
export interface Sealer {
  /** Names the key that `seal` uses; it says nothing about the key. */
  readonly keyId: string
  readonly keyIds: readonly string[]
  /** `purpose` is needed to open it again: what is sealed for one thing or person opens for no other. */
  seal(secret: Uint8Array, purpose: string): string
  /** @throws Error when it was changed, was sealed for something else, or its key is not there any more */
  open(sealed: string, purpose: string): Buffer
}

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
/** NIST SP 800-38D, section 8.2.2: random, for far fewer than 2^32 secrets under one key. */
const IV_BYTES = 12
const TAG_BYTES = 16

/** The first key seals, all of them open: a new key goes in front, and the old one stays until nothing is sealed with it. */
export function createSealer(keys: readonly [Uint8Array, ...Uint8Array[]]): Sealer {
  const byId = new Map(keys.map((key) => [keyIdOf(key), key]))
  const [newest] = keys
  const keyId = keyIdOf(newest)
  return {
    keyId,
    keyIds: [...byId.keys()],
    seal: (secret, purpose) => {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(CIPHER, newest, iv).setAAD(Buffer.from(purpose))
      const parts = [iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]
      return `${keyId}.${Buffer.concat(parts).toString('base64url')}`
    },
    open: (sealed, purpose) => {
      const [id = '', text = ''] = sealed.split('.')
      const key = byId.get(id)
      if (!key) throw new Error(`The key ${id} that this was sealed with is not configured`)
      const bytes = Buffer.from(text, 'base64url')
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(bytes.subarray(-TAG_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
    },
  }
}

const keyIdOf = (key: Uint8Array) => createHash('sha256').update('key id ').update(key).digest('base64url').slice(0, 8)

/** Undefined without a key. `text` is one key or several separated by commas, each 32 bytes in base64url. @throws ConfigError, which shows no key */
export function sealerOf(text: string): Sealer | undefined {
  if (text === '') return undefined
  const keys = text
    .split(',')
    .map((part) => (/^\s*[\w-]{43}\s*$/.test(part) ? Buffer.from(part, 'base64url') : undefined))
  const good = keys.filter((key) => key?.length === KEY_BYTES) as Buffer[]
  const [first, ...others] = good
  if (!first || good.length !== keys.length)
    throw new ConfigError([
      'USER_SECRETS_KEY is not 32 bytes in base64url (43 characters); several keys are separated by commas. Make one with: openssl rand -base64 32 | tr +/ -_ | tr -d =',
    ])
  return createSealer([first, ...others])
}
