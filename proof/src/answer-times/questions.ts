import { randomUUID } from 'node:crypto'
import type { Answer, Shopper } from '../shopper.ts'

/** Those whom the shop knows. */
export interface Crowd {
  /** With proven addresses. */
  readonly owners: readonly string[]
  /** Registered with `PASSWORD`, and nobody has followed the mailed link. */
  readonly unproven: readonly string[]
}

export const PASSWORD = 'a long enough password'
const WRONG = 'not the password of anybody'

export const sides = ['known', 'unknown'] as const
type Side = (typeof sides)[number]
type Ask = (shopper: Shopper, from: string) => Promise<Answer>

/** What somebody asks who wants to know whether an address has an account, of one that has and of one that has not. */
export interface Question extends Readonly<Record<Side, (crowd: Crowd, turn: number) => Ask>> {
  readonly name: string
  /** What every answer has to be. */
  readonly statuses: Readonly<Record<Side, number>>
  /** How often one owner can be asked about. */
  readonly mostOfOne?: number
}

/** The client's address is another each time, as those of a botnet are, so that no limit stands in the way. */
const post =
  (path: string, body: object): Ask =>
  (shopper, from) =>
    shopper.call({ method: 'POST', path, body, headers: { 'x-forwarded-for': from } })

const register = (email: string) => post('/api/v1/auth/register', { email, password: PASSWORD, name: 'Eve' })
const signIn = (email: string, password: string) => post('/api/v1/auth/login', { email, password })
const reset = (email: string) => post('/api/v1/auth/password-resets', { email })

const nobody = () => `${randomUUID()}@example.com`
const inTurn = (emails: readonly string[], turn: number) => emails[turn % emails.length] ?? nobody()

const registering = {
  known: ({ owners, unproven }: Crowd, turn: number) => register(inTurn([...owners, ...unproven], turn)),
  unknown: () => register(nobody()),
}

/** Of a shop as it comes. */
export const questions: readonly Question[] = [
  { name: 'registering', statuses: { known: 202, unknown: 202 }, ...registering },
  {
    name: 'signing in with a wrong password',
    statuses: { known: 401, unknown: 401 },
    known: ({ owners }, turn) => signIn(inTurn(owners, turn), WRONG),
    unknown: () => signIn(nobody(), WRONG),
  },
  {
    name: 'signing in to what one has just registered',
    statuses: { known: 401, unknown: 401 },
    known: ({ owners }, turn) => signIn(inTurn(owners, turn), WRONG),
    unknown: ({ unproven }, turn) => signIn(inTurn(unproven, turn), PASSWORD),
  },
  {
    name: 'asking for a new password',
    statuses: { known: 202, unknown: 202 },
    known: ({ owners }, turn) => reset(inTurn(owners, turn)),
    unknown: () => reset(nobody()),
    mostOfOne: 5,
  },
]

/** Of a shop that signs people in as they register: a measurement that does not find this one finds nothing. */
export const control: Question = {
  name: 'control: registering where one is signed in at once',
  statuses: { known: 409, unknown: 201 },
  ...registering,
}
