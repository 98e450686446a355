import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { UserQueries } from '@micromart/contracts/gen/user_pb'
import { queryServer } from '@micromart/service-kit/queries'

/** Stands in for user: knows which sessions have ended, and what is given for an API key. */
export async function startUser(t: TestContext) {
  const ended: { sessionId: string; tokensExpireAt: string }[] = []
  const tokens = new Map<string, string>()
  const state = { ended, asked: 0, tokens, exchanged: 0 }
  const server = queryServer(
    (router) => {
      router.service(UserQueries, {
        getContact: () => ({ found: false }),
        listEndedSessions: () => {
          state.asked += 1
          return { sessions: ended }
        },
        exchangeApiKey: ({ apiKey }) => {
          state.exchanged += 1
          const accessToken = tokens.get(apiKey)
          return accessToken === undefined ? { good: false } : { good: true, accessToken, expiresIn: 300 }
        },
      })
    },
    { internalToken: 'test-internal-token' },
  )
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => sessions.add(session))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const stop = () => {
    for (const session of sessions) session.destroy()
    server.close()
  }
  t.after(stop)
  return Object.assign(state, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop })
}
