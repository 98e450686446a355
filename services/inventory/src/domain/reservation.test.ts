import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decide,
  type Levels,
  noReservation,
  type Reservation,
  type ReservationCommand,
  type StockLine,
} from './reservation.ts'

const hold = (...lines: [string, number][]): ReservationCommand => ({
  type: 'Hold',
  lines: lines.map(([sku, quantity]) => ({ sku, quantity })),
})

/** One order against stock of `MUG`: runs the commands and gives the last decision. */
function run(onHand: number, ...commands: ReservationCommand[]) {
  let reservation = noReservation
  let levels: Levels = new Map([['MUG', { onHand, reserved: 0 }]])
  let told: string | undefined
  for (const command of commands) {
    const decided = decide(command, reservation, levels)
    ;({ reservation, levels } = decided)
    told = decided.tell?.type
  }
  return { status: reservation.status, ...levels.get('MUG'), told }
}

const commit: ReservationCommand = { type: 'Commit' }
const cancel: ReservationCommand = { type: 'Cancel' }
const expire: ReservationCommand = { type: 'Expire' }

test('an order holds all its lines or none', () => {
  assert.deepEqual(run(5, hold(['MUG', 5])), { status: 'held', onHand: 5, reserved: 5, told: 'reserved' })
  assert.deepEqual(run(5, hold(['MUG', 1], ['NO-SUCH', 1])), {
    status: 'rejected',
    onHand: 5,
    reserved: 0,
    told: 'rejected',
  })
})

test('two lines of one SKU whose sum is too much are rejected', () => {
  assert.equal(run(5, hold(['MUG', 3], ['MUG', 3])).status, 'rejected')
})

test('a commit takes the pieces away, and a cancel afterwards brings them back', () => {
  assert.deepEqual(run(5, hold(['MUG', 2]), commit), { status: 'committed', onHand: 3, reserved: 0, told: undefined })
  assert.deepEqual(run(5, hold(['MUG', 2]), commit, cancel), {
    status: 'cancelled',
    onHand: 5,
    reserved: 0,
    told: undefined,
  })
})

test('a cancel that overtakes its order leaves a tombstone', () => {
  assert.deepEqual(run(5, cancel, hold(['MUG', 2]), commit), {
    status: 'cancelled',
    onHand: 5,
    reserved: 0,
    told: undefined,
  })
})

test('a confirmation after the hold ran out takes what is there or refuses', () => {
  assert.equal(run(5, hold(['MUG', 2]), expire, commit).onHand, 3)
  const levels: Levels = new Map([['MUG', { onHand: 5, reserved: 4 }]])
  const late = decide(commit, { status: 'expired', lines: [{ sku: 'MUG', quantity: 2 }] }, levels)
  assert.equal(late.tell?.type, 'commit-refused')
})

test('a confirmation that overtakes its placing sells when the placing comes', () => {
  assert.deepEqual(run(5, commit, hold(['MUG', 2])), { status: 'committed', onHand: 3, reserved: 0, told: undefined })
})

interface Step {
  readonly order: number
  readonly type: string
}

/** Runs random steps over several orders and keeps a ledger of its own beside the domain's. */
function runSteps(wishes: readonly StockLine[][], steps: readonly Step[], start: Levels) {
  let levels = start
  const reservations = new Map<number, Reservation>()
  const moved = new Map<string, number>()
  for (const { order, type } of steps) {
    const index = order % wishes.length
    const command = (type === 'Hold' ? { type, lines: wishes[index] ?? [] } : { type }) as ReservationCommand
    const decided = decide(command, reservations.get(index) ?? noReservation, levels)
    levels = decided.levels
    reservations.set(index, decided.reservation)
    for (const { sku, quantity, kind } of decided.movements)
      moved.set(sku, (moved.get(sku) ?? 0) + (kind === 'sale' ? -quantity : quantity))
  }
  const promised = (sku: string, status: Reservation['status']) =>
    [...reservations.values()]
      .flatMap((reservation) => (reservation.status === status ? reservation.lines : []))
      .reduce((sum, line) => sum + (line.sku === sku ? line.quantity : 0), 0)
  return { levels, moved, promised }
}

test('whatever comes in any order, repeats included: nothing is oversold and every promise is accounted for', () => {
  const skus = ['A', 'B', 'C']
  const line = fc.record({ sku: fc.constantFrom(...skus), quantity: fc.integer({ min: 1, max: 4 }) })
  const orders = fc.array(fc.array(line, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 })
  const step = fc.record({ order: fc.nat(), type: fc.constantFrom('Hold', 'Commit', 'Cancel', 'Expire') })
  fc.assert(
    fc.property(
      orders,
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 0, max: 8 }),
      (wishes, steps, received) => {
        const start: Levels = new Map(skus.map((sku) => [sku, { onHand: received, reserved: 0 }]))
        const { levels, moved, promised } = runSteps(wishes, steps, start)
        for (const sku of skus) {
          const { onHand = -1, reserved = -1 } = levels.get(sku) ?? {}
          assert.ok(reserved >= 0 && reserved <= onHand, `${sku}: ${reserved} of ${onHand} promised`)
          assert.equal(reserved, promised(sku, 'held'))
          assert.equal(received - onHand, promised(sku, 'committed'))
          assert.equal(onHand - received, moved.get(sku) ?? 0)
        }
      },
    ),
    { numRuns: 1_000 },
  )
})
