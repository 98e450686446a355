import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { isUuid } from '@micromart/kernel/ids'
import type { LinkTokens } from '../account-ports.ts'
import type { LinkPurpose } from '../domain/account-link.ts'

const ID_BYTES = 16
const TOKEN = /^[A-Za-z0-9_-]{64}$/

/**
 * Tokens are made of the link's id, never stored: base64url of the id (16 bytes) and of HMAC-SHA-256 over purpose and id (32 bytes). The key
 * is derived from `secret` (HKDF, RFC 5869), which stands in the environment and not in the database, so that rows alone open nothing.
 */
export function hmacLinkTokens({ secret }: { secret: string }): LinkTokens {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'micromart user account links v1', 32))
  const macOf = (purpose: LinkPurpose, id: string) => createHmac('sha256', key).update(`${purpose}:${id}`).digest()
  return {
    tokenOf: ({ id, purpose }) =>
      Buffer.concat([Buffer.from(id.replaceAll('-', ''), 'hex'), macOf(purpose, id)]).toString('base64url'),
    idIn: (token, purpose) => {
      if (!TOKEN.test(token)) return undefined
      const bytes = Buffer.from(token, 'base64url')
      const id = uuidOf(bytes.subarray(0, ID_BYTES).toString('hex'))
      return isUuid(id) && timingSafeEqual(bytes.subarray(ID_BYTES), macOf(purpose, id)) ? id : undefined
    },
  }
}

const uuidOf = (hex: string) =>
  [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
