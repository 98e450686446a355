import { systemClock } from '@micromart/kernel/clock'
import { uuidV7 } from '@micromart/kernel/ids'
import { connect } from 'amqplib'
import { Pool } from 'pg'
import { runProgram } from '../program.ts'
import { eventually } from './customer.ts'
import type { Props } from './scenarios.ts'

const TYPE = 'micromart.order.confirmed.v1'
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'
const NEXT = 'SELECT id FROM dead_letters WHERE message_id = $1 AND id > $2 ORDER BY id LIMIT 1'

/** Messages for analytics that have a right name and wrong data, and what the operator does with them. */
export function deadLetterProps(shop: {
  readonly analyticsUrl: string
  readonly brokerUrl: string
  readonly dataDir: string
  /** How the command line finds the databases, besides the data directory. */
  readonly environment: Readonly<Record<string, string>>
}): Pick<Props, 'spoil' | 'nextDeadLetter' | 'deadLetters'> {
  const ids = uuidV7(systemClock)
  const messageOf = new Map<string, string>()

  const nextOf = async (messageId: string, than: string) => {
    const letterId = await eventually(`a dead letter of ${messageId}`, async () => {
      const pool = new Pool({ connectionString: shop.analyticsUrl, max: 1 })
      const { rows } = await pool.query<{ id: string }>(NEXT, [messageId, than]).finally(() => pool.end())
      return rows[0]?.id
    })
    messageOf.set(letterId, messageId)
    return letterId
  }

  return {
    spoil: async () => {
      const messageId = ids.next()
      const envelope = { specversion: '1.0', id: messageId, source: '/nobody', type: TYPE, data: {} }
      await sendTo('micromart.analytics', { url: shop.brokerUrl, messageId, body: JSON.stringify(envelope) })
      return nextOf(messageId, BEFORE_ALL)
    },
    nextDeadLetter: (than) => nextOf(messageOf.get(than) ?? '', than),
    deadLetters: async (verb, id) => {
      const { code, output } = await runProgram(['dead-letters', verb, id, '--data', shop.dataDir], shop.environment)
      if (code !== 0) throw new Error(output)
    },
  }
}

async function sendTo(queue: string, message: { url: string; messageId: string; body: string }) {
  const connection = await connect(message.url)
  const channel = await connection.createConfirmChannel()
  channel.sendToQueue(queue, Buffer.from(message.body), { type: TYPE, messageId: message.messageId, persistent: true })
  await channel.waitForConfirms()
  await connection.close()
}
