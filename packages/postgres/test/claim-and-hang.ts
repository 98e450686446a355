// A process that claims the timers of one kind and never comes to an end with them.
import { systemClock } from '@micromart/kernel/clock'
import { silentLogger } from '@micromart/telemetry/logger'
import { openDatabase } from '../src/database.ts'
import { startTimers } from '../src/timers.ts'

const [url = '', kind = ''] = process.argv.slice(2)
const handler = {
  kind,
  leaseMs: 3_600_000,
  perform: async () => {
    process.send?.('claimed')
    await new Promise(() => {})
  },
  settle: async () => {},
}
startTimers({ database: openDatabase({ url }), handlers: [handler], clock: systemClock, log: silentLogger() })
