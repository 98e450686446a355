import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Route, routes } from '@micromart/gateway/routes'
import type { BadCase, CasesByRoute, Wish } from './case.ts'
import { accountCases } from './cases/account-cases.ts'
import { analyticsCases } from './cases/analytics-cases.ts'
import { cartCases } from './cases/cart-cases.ts'
import { couponCases } from './cases/coupon-cases.ts'
import { inventoryCases } from './cases/inventory-cases.ts'
import { notificationCases } from './cases/notification-cases.ts'
import { orderCases } from './cases/order-cases.ts'
import { paymentCases } from './cases/payment-cases.ts'
import { productCases } from './cases/product-cases.ts'
import { protocolCases } from './cases/protocol-cases.ts'
import { signInCases } from './cases/sign-in-cases.ts'
import { userCases } from './cases/user-cases.ts'
import { genericCases, goodWish } from './generic-cases.ts'
import { faultsOfAnswer, faultsOfLog } from './judge.ts'
import { CANARY, CARD_NUMBERS } from './nasty.ts'
import { type OpenScene, openScene } from './scene.ts'
import { changedTables } from './stores.ts'
import { openWire, sendBytes, type Wire } from './wire.ts'

const table: CasesByRoute = {
  ...userCases,
  ...signInCases,
  ...accountCases,
  ...productCases,
  ...inventoryCases,
  ...couponCases,
  ...cartCases,
  ...paymentCases,
  ...orderCases,
  ...notificationCases,
  ...analyticsCases,
}
const keyOf = ({ method, path }: Route) => `${method} ${path}`

const casesOf = (route: Route) => {
  const cases = table[keyOf(route)]
  if (!cases) throw new Error(`${keyOf(route)} has no bad input`)
  return cases
}

describe('bad input', () => {
  let opened: OpenScene
  let wire: Wire
  before(async () => {
    opened = await openScene()
    wire = openWire(opened.url)
  })

  const judged = async (route: Route, { what, wish, refusals }: BadCase): Promise<readonly string[]> => {
    const good = goodWish(route, casesOf(route), opened.scene)
    const answer = await wire.send(laidOver(good, wish))
    const faults = faultsOfAnswer({ refusals }, answer)
    return faults.length === 0 ? [] : [`${what}: ${faults.join('; ')}: ${answer.status} ${answer.text.slice(0, 300)}`]
  }

  test('every public operation has its cases, and nothing else has', () => {
    assert.deepEqual(Object.keys(table).sort(), routes.map(keyOf).sort())
  })

  for (const route of routes)
    test(`${keyOf(route)} refuses it and writes nothing`, async (t) => {
      const cases = casesOf(route)
      const all = [...genericCases(route, cases, opened.scene), ...(cases.special?.(opened.scene) ?? [])]
      t.diagnostic(`${all.length} cases`)
      const before = await opened.stores.fingerprint()
      const faults = await Promise.all(all.map((bad) => judged(route, bad)))
      expectNone(faults.flat())
      assert.deepEqual(changedTables(before, await opened.stores.fingerprint()), Object.keys(cases.writes ?? {}))
    })

  test('what is no proper HTTP is refused and writes nothing', async () => {
    const before = await opened.stores.fingerprint()
    const faults = await Promise.all(
      protocolCases.map(async ({ what, bytes, refusals }) => {
        const answer = await sendBytes(opened.url, bytes)
        return faultsOfAnswer({ refusals }, answer).map((fault) => `${what}: ${fault}: ${answer.status} ${answer.text}`)
      }),
    )
    expectNone(faults.flat())
    assert.deepEqual(changedTables(before, await opened.stores.fingerprint()), [])
  })

  test('the same requests without what was wrong are accepted, and written', async () => {
    const before = await opened.stores.fingerprint()
    for (const key of Object.keys(table)) {
      const route = routes.find((one) => keyOf(one) === key)
      assert.ok(route)
      const good = goodWish(route, casesOf(route), opened.scene)
      const { status, text } = await wire.send({ ...good, headers: { ...good.headers, ...longestHeaders } })
      assert.equal(status, casesOf(route).accepted, `${key}: ${status} ${text}`)
    }
    const written = changedTables(before, await opened.stores.quiet())
    for (const one of [
      'user.users',
      'user.addresses',
      'user.closed_accounts',
      'notification.account_emails',
      'product.products',
      'inventory.movements',
      'cart.carts',
      'cart.coupons',
      'order.event_log',
      'payment.payments',
    ])
      assert.ok(written.includes(one), `${one} is not among ${written}`)
  })

  test('the log holds no error and no secret', async () => {
    await wire.close()
    const log = await opened.close()
    const secrets = [...opened.secrets, ...CARD_NUMBERS, CANARY]
    const planted = secrets.map((secret) => JSON.stringify({ level: 30, msg: secret }))
    assert.equal(faultsOfLog([...planted, '{"level":50}', 'no JSON'].join('\n'), secrets).length, secrets.length + 2)
    assert.ok(log.split('\n').length > 10, 'the shop has logged something')
    expectNone(faultsOfLog(log, secrets))
  })

  after(async () => {
    await wire?.close().catch(() => {})
    await opened?.close().catch(() => {})
  })
})

/** Nearly as much as the gateway takes: no service may take less. */
const longestHeaders = { 'x-filler': 'x'.repeat(14_500) }

/** One fault a line, so that a long list can be read. */
function expectNone(faults: readonly string[]) {
  if (faults.length > 0) assert.fail(`${faults.length} faults:\n${faults.join('\n')}`)
}

/** Headers are laid over those of the well-formed request; an empty one takes it away. */
function laidOver(good: Wish, wish: Partial<Wish>): Wish {
  const headers = Object.fromEntries(
    Object.entries({ ...good.headers, ...wish.headers }).filter(([, value]) => value !== ''),
  )
  return { ...good, ...wish, headers }
}
