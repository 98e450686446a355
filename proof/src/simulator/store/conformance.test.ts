import { databaseOn } from '@micromart/postgres/database'
import { databaseConformance } from '@micromart/testkit/database-conformance'
import { ConnectionLost, simulatedDriver, type Wire } from '../world/driver.ts'
import { startSimulatedServer } from './server.ts'

/** Everything arrives at once, and answers until they are lost. */
function plainWire() {
  const connections = new Set<() => void>()
  let answers = true
  const wire: Wire = {
    carry: async (_statement, perform) => {
      const broken = new Promise<never>((_, reject) => {
        connections.add(() => reject(new ConnectionLost('it was broken')))
      })
      const result = await Promise.race([perform(), broken])
      return answers ? result : broken
    },
    moment: async () => {},
    register: ({ lose }) => {
      connections.add(lose)
      return () => connections.delete(lose)
    },
  }
  const breakAll = () => {
    answers = true
    for (const lose of [...connections]) lose()
    connections.clear()
  }
  return { wire, lose: () => (answers = false), breakAll }
}

databaseConformance('the simulated store', async () => {
  const server = startSimulatedServer({ now: Date.now })
  const { wire, lose, breakAll } = plainWire()
  return {
    database: databaseOn(simulatedDriver({ server, wire }, 10)),
    observer: databaseOn(simulatedDriver({ server, wire: plainWire().wire }, 2)),
    loseAnswers: async () => void lose(),
    breakConnections: async () => breakAll(),
    close: async () => {},
  }
})
