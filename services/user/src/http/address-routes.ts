import { etagOf, matches } from '@micromart/http-kit/etag'
import { refusalProblem, writeHandler } from '@micromart/http-kit/idempotent-handler'
import type { StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import { holdsCardNumber } from '@micromart/kernel/card-number'
import type { Ids } from '@micromart/kernel/ids'
import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'
import type { Database, Queryable, Transaction } from '@micromart/postgres/database'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { AddressBook, OpenAccounts, SavedAddress } from '../account-ports.ts'
import { AddressBody, AddressListBody, AddressWishBody, addressBodyOf, addressVersion } from './account-schemas.ts'
import { ownId, stillOpen } from './own-account.ts'

/** More are no address book, and would be stored for nothing. */
const MOST_ADDRESSES = 50

type AddressRefusal = Refusal<
  'user.address-unknown' | 'user.address-version-mismatch' | 'user.card-number' | 'user.too-many-addresses'
>

const statuses = {
  'user.address-unknown': 404,
  'user.too-many-addresses': 409,
  'user.address-version-mismatch': 412,
  'user.card-number': 422,
} satisfies StatusTable<AddressRefusal['code']>

/** Also for somebody else's. */
const unknown = refuse('user.address-unknown', 'There is no such address')

export interface AddressRoutes {
  readonly accounts: OpenAccounts
  readonly addresses: AddressBook
  readonly database: Database
  readonly write: IdempotentWrite
  readonly ids: Ids
}

export function addressRoutes(http: HttpServer, { accounts, addresses, database, write, ids }: AddressRoutes): void {
  const answer = writeHandler(write, { statuses })
  const byId = { params: Type.Object({ id: Type.String() }), tags: ['addresses'] }

  const listOf = (request: FastifyRequest, db: Queryable) => addresses.list(db, ownId(request))

  const find = async (request: FastifyRequest<{ Params: { id: string } }>, db: Queryable) => {
    const found = (await listOf(request, db)).find(({ id }) => id === request.params.id)
    return found ? ok(found) : unknown
  }

  /** Under the account's lock, as it was read by whoever wants to change it. */
  const findToChange = async (request: FastifyRequest<{ Params: { id: string } }>, tx: Transaction) => {
    stillOpen(await accounts.lock(tx, ownId(request)))
    const found = await find(request, tx)
    return found.ok && !matches(request.headers['if-match'], addressVersion(found.value))
      ? refuse('user.address-version-mismatch', 'The address has changed since; read it again')
      : found
  }

  const saved = async (request: FastifyRequest, tx: Transaction, id: string) => {
    const address = (await listOf(request, tx)).find((one) => one.id === id) as SavedAddress
    return { headers: { etag: etagOf(addressVersion(address)) }, body: addressBodyOf(address) }
  }

  http.get('/api/v1/users/me/addresses', {
    config: { access: 'signed-in' },
    schema: { tags: ['addresses'], summary: 'My addresses, oldest first', response: { 200: AddressListBody } },
    handler: async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return { items: (await listOf(request, database)).map(addressBodyOf) }
    },
  })

  http.post('/api/v1/users/me/addresses', {
    config: { access: 'signed-in' },
    schema: { tags: ['addresses'], summary: 'Add an address', body: AddressWishBody, response: { 201: AddressBody } },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const fit = checkWish(request.body)
        if (!fit.ok) return fit
        const userId = ownId(request)
        stillOpen(await accounts.lock(tx, userId))
        if ((await addresses.list(tx, userId)).length >= MOST_ADDRESSES)
          return refuse('user.too-many-addresses', `There are ${MOST_ADDRESSES} addresses already; remove one first`)
        const id = ids.next()
        addresses.add(tx, { ...fit.value, id, userId })
        setDefaults(tx, { addresses, userId, wish: request.body, current: { id } })
        const { headers, body } = await saved(request, tx, id)
        const location = `/api/v1/users/me/addresses/${id}`
        return ok({ status: 201, headers: { ...headers, location }, body })
      }),
  })

  http.get('/api/v1/users/me/addresses/:id', {
    config: { access: 'signed-in' },
    schema: { ...byId, summary: 'One of my addresses', response: { 200: AddressBody } },
    handler: async (request, reply) => {
      const found = await find(request, database)
      if (!found.ok) throw refusalProblem(found.error, statuses)
      reply.header('etag', etagOf(addressVersion(found.value))).header('cache-control', 'no-store')
      return addressBodyOf(found.value)
    },
  })

  http.put('/api/v1/users/me/addresses/:id', {
    config: { access: 'signed-in' },
    schema: { ...byId, summary: 'Write an address anew', body: AddressWishBody, response: { 200: AddressBody } },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const fit = checkWish(request.body)
        if (!fit.ok) return fit
        const found = await findToChange(request, tx)
        if (!found.ok) return found
        const { id } = found.value
        addresses.replace(tx, { ...fit.value, id })
        setDefaults(tx, { addresses, userId: ownId(request), wish: request.body, current: found.value })
        return ok({ status: 200, ...(await saved(request, tx, id)) })
      }),
  })

  http.delete('/api/v1/users/me/addresses/:id', {
    config: { access: 'signed-in' },
    schema: { ...byId, summary: 'Remove an address', body: NoBody, response: { 204: Type.Null() } },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const found = await findToChange(request, tx)
        if (!found.ok) return found
        const none = { isDefaultShipping: false, isDefaultBilling: false }
        setDefaults(tx, { addresses, userId: ownId(request), wish: none, current: found.value })
        addresses.remove(tx, found.value.id)
        return ok({ status: 204 })
      }),
  })
}

/** A card's number has no business here, whichever field it was typed into. */
function checkWish(wish: AddressWishBody): Result<Required<Omit<AddressWishBody, DefaultFlag>>, AddressRefusal> {
  const { isDefaultShipping: _, isDefaultBilling: __, line2 = '', region = '', ...rest } = wish
  const address = { ...rest, line2, region }
  return Object.values(address).some(holdsCardNumber)
    ? refuse(
        'user.card-number',
        'Something here looks like a card number; cards are only given to the payment provider',
      )
    : ok(address)
}

type DefaultFlag = 'isDefaultShipping' | 'isDefaultBilling'

/** `true` makes this address the default, `false` takes that from it, nothing leaves it as it is. */
function setDefaults(
  tx: Transaction,
  {
    addresses,
    userId,
    wish,
    current,
  }: {
    addresses: AddressBook
    userId: string
    wish: Pick<AddressWishBody, DefaultFlag>
    current: { id: string } & Partial<Pick<SavedAddress, DefaultFlag>>
  },
): void {
  const idFor = (flag: DefaultFlag) => {
    if (wish[flag] === true) return { id: current.id }
    return wish[flag] === false && current[flag] === true ? { id: null } : undefined
  }
  const [shipping, billing] = [idFor('isDefaultShipping'), idFor('isDefaultBilling')]
  addresses.setDefaults(tx, userId, {
    ...(shipping ? { shippingId: shipping.id } : {}),
    ...(billing ? { billingId: billing.id } : {}),
  })
}
