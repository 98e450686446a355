import { connect } from 'amqplib'
import { insist } from '../../buyers.ts'
import type { Rig } from '../rig/rig.ts'

export interface Parcel {
  readonly exchange: string
  readonly key: string
  readonly body: string
}

const PATIENCE_MS = 60_000

/** Publishes until all is confirmed, past all proxies; what was confirmed halfway is published again. */
export const publishAll = ({ rabbitMq }: Rig, parcels: readonly Parcel[]): Promise<true> =>
  insist(async () => {
    try {
      const connection = await connect(rabbitMq.url, { timeout: 5_000 })
      connection.on('error', () => {}) // comes as the rejection of what was asked
      try {
        const channel = await connection.createConfirmChannel()
        channel.on('error', () => {})
        for (const { exchange, key, body } of parcels)
          channel.publish(exchange, key, Buffer.from(body), { persistent: true })
        await channel.waitForConfirms()
        return true
      } finally {
        await connection.close().catch(() => {})
      }
    } catch {
      return undefined
    }
  }, PATIENCE_MS)
