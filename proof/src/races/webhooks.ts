import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import type { Answer } from '../shopper.ts'
import type { Race } from './race.ts'
import { atOnce, eventually, type OwnScene, type Placed, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

const PATH = '/api/v1/payments/webhooks/sandbox'

/** `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`, as docs of the payment service say. */
function signatureOf(body: string, secret: string | Buffer, ageSeconds = 0): string {
  const seconds = Math.floor(Date.now() / 1_000) - ageSeconds
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

const tell = ({ shopper }: Scene, body: string, signature: string | undefined) =>
  shopper.call({ method: 'POST', path: PATH, body, headers: signature ? { 'sandbox-signature': signature } : {} })

/** An order whose payment nobody has approved yet. */
async function waiting(scene: Scene) {
  const sku = await scene.keeper.stocked(1)
  const placed = await scene.place(await scene.cartWith([sku, 1]), { method: 'sandbox:action' })
  const action = await scene.actionOf(placed)
  const paymentId = (await scene.money(placed.orderId))?.paymentId ?? ''
  const decide = (outcome: 'approve' | 'decline') =>
    scene.shopper.call({ method: 'POST', path: action, body: { outcome } })
  return { sku, placed, paymentId, decide }
}

const successOf = (about: { key: string; orderId: string; minor?: number; currency?: string }) => {
  const { key, orderId, minor = 1250, currency = 'USD' } = about
  const payment = { key, orderId, reference: 'sbx_told', amount: { minor, currency }, status: 'authorized' }
  return JSON.stringify({ id: randomUUID(), createdAt: new Date().toISOString(), payment })
}

const codeOf = ({ status, body }: Answer) => `${status} ${body?.code ?? ''}`.trim()

/** Nothing of what was told may have moved the order; then it is declined, so that it has an end. */
async function staysUnpaid(scene: Scene, tally: Tally, at: Awaited<ReturnType<typeof waiting>>) {
  const { body } = await scene.shopper.order(at.placed.orderId, at.placed.cart.token)
  tally.must(body.status === 'awaiting-payment', `a false webhook made the order ${body.status}`)
  await at.decide('decline')
  const order = await scene.reaches(at.placed)
  const { captures } = await scene.moneyEnds(at.placed)
  tally.must(order.reason === 'payment-declined' && captures === 0, `the unpaid order ended ${order.status}`)
  await scene.levelBecomes(at.sku, { onHand: 1, reserved: 0 })
}

export const forgedWebhook: Race = {
  name: 'forged-webhook',
  fault: 'a webhook that anybody can send makes an order paid',
  done: 'the success of an unpaid order, three times in parallel each: unsigned, signed by another, too old, cut, empty',
  holds: 'all are refused as payment.bad-signature; the order stays unpaid',
  rounds: 3,
  shop: 'any',
  run: async (scene, tally) => {
    const at = await waiting(scene)
    const event = successOf({ key: at.paymentId, orderId: at.placed.orderId })
    const stranger = randomBytes(32)
    const signatures = [
      undefined,
      '',
      signatureOf(event, stranger),
      signatureOf(event, ''),
      signatureOf(event, stranger, 3_600),
      signatureOf(event, stranger).slice(0, -1),
      `t=${Math.floor(Date.now() / 1_000)},v1=`,
    ]
    await refuseAll(
      scene,
      tally,
      signatures.map((signature) => ({ event, signature, expected: '400 payment.bad-signature' })),
    )
    await staysUnpaid(scene, tally, at)
  },
}

interface False {
  readonly event: string
  readonly signature: string | undefined
  readonly expected: string
}

async function refuseAll(scene: Scene, tally: Tally, webhooks: readonly False[]) {
  for (const { event, signature, expected } of webhooks)
    for (const answer of await atOnce(3, () => tell(scene, event, signature))) {
      tally.count('refused')
      tally.must(codeOf(answer) === expected, `a false webhook was answered ${codeOf(answer)} instead of ${expected}`)
    }
}

export const webhookOfAnother: Race = {
  name: 'webhook-of-another',
  fault: 'a rightly signed success of another order or another amount makes an order paid',
  done: 'with the real secret: the success of another order, amount, currency or payment, of no order at all, one signed 301 s ago, one changed after signing',
  holds: 'mismatch, unknown and bad signature are refused; the order stays unpaid',
  rounds: 3,
  shop: 'ours',
  run: async (scene, tally) => {
    const [at, other] = [await waiting(scene), await waiting(scene)]
    const secret = scene.own.webhookSecret
    const about = { key: at.paymentId, orderId: at.placed.orderId }
    const signed = (event: string, expected: string): False => ({
      event,
      signature: signatureOf(event, secret),
      expected,
    })
    const mismatch = '422 payment.mismatch'
    const good = successOf(about)
    const badSignature = '400 payment.bad-signature'
    await refuseAll(scene, tally, [
      signed(successOf({ ...about, key: other.paymentId }), mismatch),
      signed(successOf({ ...about, minor: 1 }), mismatch),
      signed(successOf({ ...about, currency: 'JPY' }), mismatch),
      signed(successOf({ ...about, key: randomUUID() }), mismatch),
      signed(successOf({ ...about, orderId: randomUUID() }), '404 payment.unknown'),
      { event: good, signature: signatureOf(good, secret, 301), expected: badSignature },
      { event: good.replace('1250', '1'), signature: signatureOf(good, secret), expected: badSignature },
    ])
    await staysUnpaid(scene, tally, at)
    await staysUnpaid(scene, tally, other)
  },
}

export const webhookThreeTimes: Race = {
  name: 'webhook-three-times',
  fault: 'a webhook settled three times in parallel, played again later or before the reply books money more than once',
  done: "five payments of which the provider tells three times while its reply is on the way; five approvals whose event is told three times more beside the provider's own, and again at the end",
  holds: 'every order is confirmed and captured once, every repeat is answered 200',
  rounds: 5,
  shop: 'ours',
  run: async (scene, tally) => {
    await atOnce(5, async () => {
      const sku = await scene.keeper.stocked(1)
      const placed = await scene.place(await scene.cartWith([sku, 1]), { method: 'sandbox:duplicate-webhook' })
      await scene.reaches(placed)
      await repeat(scene, tally, await eventOf(scene, placed))
      await capturedOnce(scene, tally, placed)
    })
    await atOnce(5, async () => {
      const { placed, decide } = await waiting(scene)
      await decide('approve')
      await repeat(scene, tally, await eventOf(scene, placed))
      await capturedOnce(scene, tally, placed)
      await repeat(scene, tally, await eventOf(scene, placed))
      await capturedOnce(scene, tally, placed)
    })
  },
}

/** What the provider tells about the payment of an order, as it lies in the provider's own books. */
const eventOf = ({ own }: OwnScene, { orderId }: Placed) =>
  eventually(`an event about order ${orderId}`, async () => {
    const sql = 'SELECT body FROM sandbox_webhooks JOIN sandbox_payments USING (key) WHERE order_id = $1'
    return (await own.read<{ body: string }>('sandbox', sql, [orderId]))[0]?.body
  })

async function repeat(scene: OwnScene, tally: Tally, event: string) {
  for (const answer of await atOnce(3, () => tell(scene, event, signatureOf(event, scene.own.webhookSecret)))) {
    tally.count('repeats')
    tally.must(answer.status === 200, `a repeated webhook was answered ${codeOf(answer)}`)
  }
}

async function capturedOnce(scene: Scene, tally: Tally, placed: Placed) {
  const order = await scene.reaches(placed)
  const { captures, refunds, capturedMinor } = await scene.moneyEnds(placed)
  tally.count('looks')
  tally.must(
    order.status === 'confirmed' && captures === 1 && refunds === 0 && capturedMinor === 1250,
    `order ${placed.orderId} is ${order.status}, captured ${captures} times, ${capturedMinor} in all`,
  )
}
