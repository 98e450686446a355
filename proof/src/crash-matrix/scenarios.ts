import { randomUUID } from 'node:crypto'
import { openAccount } from '../newcomer.ts'
import type { Call } from '../shopper.ts'
import { type Customer, ENDS, eventually, type Order, pause } from './customer.ts'

/** What the scenarios have to work with besides the public API. */
export interface Props {
  /** SKUs of which there is plenty. */
  readonly plenty: readonly [string, string]
  readonly holdMs: number
  /** A message that its receiver cannot read is given to the broker; answers the id of its dead letter. */
  spoil(): Promise<string>
  /** What the operator types. */
  deadLetters(verb: 'replay' | 'discard', id: string): Promise<void>
  /** The dead letter that the replay of another one has left. */
  nextDeadLetter(than: string): Promise<string>
  /** Runs while the service is stopped, and starts it again. */
  without(service: 'inventory', work: () => Promise<void>): Promise<void>
}

/** Something that people do with a shop, to its very end. Rejects when the shop did not do its part. */
export interface Scenario {
  readonly name: string
  /** Others would be in its way: it runs by itself, after all others. */
  readonly alone?: true
  run(customer: Customer, props: Props): Promise<unknown>
}

const buy = async (customer: Customer, props: Props, method: string) =>
  customer.checkOut(await customer.cartWith([[props.plenty[0], 1]]), method)

/** Staff see the payment in this state. */
const payment = (customer: Customer, { orderId }: Order, ...statuses: readonly string[]) =>
  eventually(`payment of ${orderId} ${statuses.join(' or ')}`, async () => {
    const { body } = await customer.ask({
      method: 'GET',
      path: `/api/v1/payments/${orderId}`,
      headers: customer.staff,
    })
    return statuses.includes(body?.status) ? body : undefined
  })

/** Money that was taken or held is where the order says it is. */
const settled = async (customer: Customer, order: Order) => {
  const { status } = await customer.reaches(order, ...ENDS)
  if (status === 'confirmed') await payment(customer, order, 'captured', 'refunded')
  else await payment(customer, order, 'voided', 'refunded', 'declined', 'cancelled', 'none')
}

const cancel = (customer: Customer, { orderId, headers }: Order) =>
  customer.write(202, { method: 'POST', path: `/api/v1/orders/${orderId}/cancel`, headers, body: {} })

/** Says yes or no at the provider's page, once the order has its address; the order's time may be over before. */
async function act(customer: Customer, order: Order, outcome: 'approve' | 'decline') {
  const { payment: asked } = await eventually('something to approve', async () => {
    const body = await customer.reaches(order, 'awaiting-payment', ...ENDS)
    return body.payment || body.status !== 'awaiting-payment' ? body : undefined
  })
  if (!asked) return
  const path = new URL(asked.actionUrl).pathname
  const { status, text } = await customer.ask({ method: 'POST', path, body: { outcome } })
  if (status !== 200 && status !== 409) throw new Error(`${outcome}: ${status} ${text}`)
}

const paying = (method: string): Scenario => ({
  name: method.replace('sandbox:', 'pays by '),
  run: async (customer, props) => settled(customer, await buy(customer, props, method)),
})

const acting = (
  name: string,
  then: (customer: Customer, order: Order, props: Props) => Promise<unknown>,
): Scenario => ({
  name,
  run: async (customer, props) => {
    const order = await buy(customer, props, 'sandbox:action')
    await then(customer, order, props)
    await settled(customer, order)
  },
})

const newProduct = (sku: string) => ({
  handle: sku.toLowerCase(),
  title: `Product ${sku}`,
  variants: [{ sku, price: { minor: 1250, currency: 'USD' } }],
})

const newSku = () => `M-${randomUUID().slice(0, 8).toUpperCase()}`

async function stocked(customer: Customer, quantity: number): Promise<string> {
  const sku = newSku()
  const staff = (status: number, call: Omit<Call, 'headers'>) =>
    customer.write(status, { ...call, headers: customer.staff })
  await staff(201, { method: 'POST', path: '/api/v1/products', body: newProduct(sku) })
  const items = [{ sku, quantity }]
  await staff(200, { method: 'POST', path: '/api/v1/inventory/opening-stock', body: { items, overwrite: true } })
  return sku
}

async function register(customer: Customer) {
  const person = { email: `${randomUUID()}@example.com`, password: 'a long enough password', name: 'Ada' }
  const { user, accessToken } = await openAccount(customer.ask, person)
  return { ...person, id: user.id, headers: { authorization: `Bearer ${accessToken}` } }
}

/** Every flow of the shop; what none of them reaches is not in the matrix. */
export const scenarios: readonly Scenario[] = [
  paying('sandbox:success'),
  paying('sandbox:decline'),
  paying('sandbox:slow'),
  paying('sandbox:duplicate-webhook'),
  paying('sandbox:late'),
  {
    name: 'buys signed in',
    run: async (customer, props) => {
      const { headers } = await register(customer)
      const cart = await customer.cartWith([[props.plenty[0], 1]], headers)
      await settled(customer, await customer.checkOut(cart))
    },
  },
  {
    name: 'changes the cart',
    run: async (customer, props) => {
      const cart = await customer.cartWith([
        [props.plenty[0], 2],
        [props.plenty[1], 1],
      ])
      const path = `/api/v1/carts/${cart.id}`
      const { body } = await customer.ask({ method: 'GET', path, headers: cart.headers })
      const [first, second] = body.lines as readonly { id: string }[]
      const lines = `${path}/items`
      const { headers } = cart
      await customer.write(200, { method: 'PATCH', path: `${lines}/${first?.id}`, body: { quantity: 1 }, headers })
      await customer.write(200, { method: 'DELETE', path: `${lines}/${second?.id}`, headers })
      await settled(customer, await customer.checkOut(cart))
    },
  },
  acting('approves', (customer, order) => act(customer, order, 'approve')),
  acting('declines', (customer, order) => act(customer, order, 'decline')),
  acting('never answers', async () => {}),
  acting('cancels before the payment', cancel),
  acting('approves after the hold has expired', async (customer, order, props) => {
    await pause(props.holdMs + 500)
    await act(customer, order, 'approve')
  }),
  {
    name: 'approves when the pieces are sold to another',
    run: async (customer, props) => {
      const sku = await stocked(customer, 1)
      const slow = await customer.checkOut(await customer.cartWith([[sku, 1]]), 'sandbox:action')
      await customer.reaches(slow, 'awaiting-payment', ...ENDS)
      await pause(props.holdMs + 500)
      const quick = await customer.checkOut(await customer.cartWith([[sku, 1]]))
      await customer.reaches(quick, ...ENDS)
      await act(customer, slow, 'approve')
      await settled(customer, slow)
    },
  },
  {
    name: 'cancels after the payment',
    run: async (customer, props) => {
      const order = await buy(customer, props, 'sandbox:success')
      const { status } = await customer.reaches(order, ...ENDS)
      if (status === 'confirmed') {
        await payment(customer, order, 'captured')
        await cancel(customer, order)
      }
      await settled(customer, order)
    },
  },
  {
    name: 'wants more than there is',
    run: async (customer) => {
      const sku = await stocked(customer, 1)
      await settled(customer, await customer.checkOut(await customer.cartWith([[sku, 2]])))
    },
  },
  {
    name: 'counts and adjusts stock',
    run: async (customer) => {
      const sku = await stocked(customer, 5)
      const path = `/api/v1/inventory/${sku}/adjustments`
      const body = { quantity: -2, reason: 'broken' }
      await customer.write(201, { method: 'POST', path, body, headers: customer.staff })
    },
  },
  {
    name: 'writes products',
    run: async (customer) => {
      const { staff: headers } = customer
      const path = '/api/v1/products'
      const { body } = await customer.write(201, { method: 'POST', path, body: newProduct(newSku()), headers })
      await customer.write(200, { method: 'PATCH', path: `${path}/${body.id}`, body: { title: 'Another' }, headers })
      await customer.write(200, { method: 'POST', path: `${path}/${body.id}/archive`, headers })
      const products = [newProduct(newSku()), newProduct(newSku())]
      await customer.write(200, { method: 'POST', path: `${path}/import`, body: { products }, headers })
    },
  },
  {
    name: 'registers, signs in, gets a role',
    run: async (customer) => {
      const { id, email, password } = await register(customer)
      await customer.write(200, { method: 'POST', path: '/api/v1/auth/login', body: { email, password } })
      const body = { roles: ['staff'] }
      await customer.write(200, { method: 'PUT', path: `/api/v1/users/${id}/roles`, body, headers: customer.staff })
    },
  },
  {
    name: 'replays a dead letter',
    run: async (_customer, props) => {
      const id = await props.spoil()
      await props.deadLetters('replay', id)
      await props.deadLetters('discard', await props.nextDeadLetter(id)) // it is as bad as before
    },
  },
  {
    name: 'waits in vain for stock',
    alone: true,
    run: (customer, props) =>
      props.without('inventory', async () => {
        const order = await buy(customer, props, 'sandbox:success')
        await customer.reaches(order, 'cancelled')
      }),
  },
]
