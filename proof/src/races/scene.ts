import { randomUUID } from 'node:crypto'
import { until } from '@micromart/testkit/until'
import { openAccount } from '../newcomer.ts'
import type { Shopkeeper } from '../shopkeeper.ts'
import type { Answer, Call, CheckoutOptions, GuestCart, Shopper } from '../shopper.ts'
import type { BookName } from '../verify/books.ts'

/** When something has not come about by then, it never will: long enough for a restart on a busy machine. */
export const PATIENCE_MS = 60_000

type Line = readonly [sku: string, quantity: number]

/** An accepted checkout, and how to follow it. */
export interface Placed {
  readonly cart: GuestCart
  readonly orderId: string
  readonly answer: Answer
}

/** Where the money of an order is, as staff see it. */
export interface Money {
  readonly status: string
  readonly paymentId: string
  readonly captures: number
  readonly refunds: number
  readonly capturedMinor: number
  readonly refundedMinor: number
}

export interface Level {
  readonly onHand: number
  readonly reserved: number
}

/** What a race has at hand: shoppers and staff of a running shop. */
export interface Scene {
  readonly shopper: Shopper
  readonly keeper: Shopkeeper
  cartWith(...lines: readonly Line[]): Promise<GuestCart>
  /** Checks out; anything but an acceptance is an error. */
  place(cart: GuestCart, options?: CheckoutOptions): Promise<Placed>
  /** Waits until the order is one of these, or at any end. */
  reaches(placed: Placed, ...statuses: readonly string[]): Promise<Answer['body']>
  /** Waits until the money of an order at its end is at its end too. */
  moneyEnds(placed: Placed): Promise<Money>
  money(orderId: string): Promise<Money | undefined>
  levelOf(sku: string): Promise<Level>
  levelBecomes(sku: string, level: Level): Promise<void>
  /** The path where the customer says yes or no to a `sandbox:action` payment. */
  actionOf(placed: Placed): Promise<string>
  /** Registers somebody new; calls in their name. */
  customer(): Promise<(call: Omit<Call, 'headers'> & { readonly key?: string }) => Promise<Answer>>
}

/** A shop of our own: it may be killed, and its secret and its books may be read. */
export interface OwnScene extends Scene {
  readonly own: {
    readonly webhookSecret: string
    read<Row>(book: BookName, sql: string, values: readonly unknown[]): Promise<readonly Row[]>
    kill(): Promise<void>
    /** Starts it on what the kill has left; resolves when it takes work again. */
    restart(): Promise<void>
  }
}

const ENDS: readonly string[] = ['confirmed', 'cancelled', 'refunded']
const MONEY_ENDS: Readonly<Record<string, readonly string[]>> = {
  confirmed: ['captured'],
  cancelled: ['cancelled', 'declined', 'voided'],
  refunded: ['refunded'],
}

export const eventually = <T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> =>
  until(ask, { withinMs: PATIENCE_MS, what })

export function createScene(shopper: Shopper, keeper: Shopkeeper): Scene {
  const staffSees = async (path: string) => keeper.call({ method: 'GET', path })
  const order = ({ orderId, cart }: Placed) => shopper.order(orderId, cart.token)
  const money = async (orderId: string) => {
    const { status, body } = await staffSees(`/api/v1/payments/${orderId}`)
    return status === 200 ? moneyOf(body) : undefined
  }
  const levelOf = async (sku: string): Promise<Level> => {
    const { onHand, reserved } = (await staffSees(`/api/v1/inventory/${sku}`)).body
    return { onHand, reserved }
  }
  const reaches: Scene['reaches'] = (placed, ...statuses) => {
    const wanted = statuses.length > 0 ? statuses : ENDS
    return eventually(`order ${placed.orderId} is ${wanted.join(' or ')}`, async () => {
      const { body } = await order(placed)
      return wanted.includes(body?.status) && body
    })
  }
  return {
    shopper,
    keeper,
    cartWith: async (...lines) => {
      const cart = await shopper.newCart()
      for (const [sku, quantity] of lines) expectStatus(201, await shopper.add(cart, sku, quantity))
      return cart
    },
    place: async (cart, options) => {
      const answer = expectStatus(202, await shopper.checkout(cart, options))
      return { cart, orderId: answer.body.orderId, answer }
    },
    reaches,
    moneyEnds: (placed) =>
      eventually(`the money of order ${placed.orderId} is where the order says`, async () => {
        const status = (await order(placed)).body?.status
        const now = await money(placed.orderId)
        return now && MONEY_ENDS[status]?.includes(now.status) && now
      }),
    money,
    levelOf,
    levelBecomes: async (sku, { onHand, reserved }) => {
      await eventually(`${onHand} of ${sku} on hand and ${reserved} promised`, async () => {
        const level = await levelOf(sku)
        return level.onHand === onHand && level.reserved === reserved
      })
    },
    actionOf: (placed) =>
      eventually(`something to approve for ${placed.orderId}`, async () => {
        const { payment } = await reaches(placed, 'awaiting-payment')
        return payment && new URL(payment.actionUrl).pathname
      }),
    customer: async () => {
      const person = { email: `${randomUUID()}@example.com`, password: randomUUID(), name: 'Ada' }
      const { accessToken } = await openAccount(shopper.call, person)
      return ({ key, ...call }) =>
        shopper.call({
          ...call,
          headers: { authorization: `Bearer ${accessToken}`, ...(key ? { 'idempotency-key': key } : {}) },
        })
    },
  }
}

export function expectStatus(expected: number, answer: Answer): Answer {
  if (answer.status === expected) return answer
  throw new Error(`expected ${expected}, got ${answer.status}: ${answer.text}`)
}

interface Entry {
  readonly kind: 'capture' | 'refund'
  readonly debit: { readonly minor: number }
}

/** Every booking has one entry with a debit. */
function moneyOf({
  status,
  paymentId,
  ledger,
}: {
  status: string
  paymentId: string
  ledger: readonly Entry[]
}): Money {
  const debits = (kind: Entry['kind']) =>
    ledger.filter((entry) => entry.kind === kind && entry.debit.minor > 0).map(({ debit }) => debit.minor)
  const sum = (minors: readonly number[]) => minors.reduce((total, minor) => total + minor, 0)
  return {
    status,
    paymentId,
    captures: debits('capture').length,
    refunds: debits('refund').length,
    capturedMinor: sum(debits('capture')),
    refundedMinor: sum(debits('refund')),
  }
}

/** Runs it so many times at once. */
export const atOnce = <T>(times: number, work: (index: number) => Promise<T>): Promise<readonly T[]> =>
  Promise.all(Array.from({ length: times }, (_, index) => work(index)))

export const countOf = <T>(items: readonly T[], is: (item: T) => boolean): number => items.filter(is).length
