import { createHmac, timingSafeEqual } from 'node:crypto'

export const SIGNATURE_HEADER = 'sandbox-signature'

/** A signature older or newer than this is refused, so that a recorded webhook cannot be played again for ever. */
const TOLERANCE_SECONDS = 300

const digest = (secret: string, seconds: number, body: string | Buffer) =>
  createHmac('sha256', secret).update(`${seconds}.`).update(body).digest()

/** `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`. */
export function signWebhook({ secret, body, at }: { secret: string; body: string; at: Date }): string {
  const seconds = Math.floor(at.getTime() / 1_000)
  return `t=${seconds},v1=${digest(secret, seconds, body).toString('hex')}`
}

const SIGNATURE = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/

export function isSignedWebhook(webhook: {
  secret: string
  rawBody: Buffer
  signature: string | undefined
  now: Date
}): boolean {
  const [, time, hex] = SIGNATURE.exec(webhook.signature ?? '') ?? []
  if (time === undefined || hex === undefined) return false
  const seconds = Number(time)
  if (Math.abs(webhook.now.getTime() / 1_000 - seconds) > TOLERANCE_SECONDS) return false
  return timingSafeEqual(digest(webhook.secret, seconds, webhook.rawBody), Buffer.from(hex, 'hex'))
}
