import { type Keeper, keepers, PersonErased } from '@micromart/contracts/personal-data'
import { type MessageHandler, on, type Subscription, subscription } from '@micromart/service-kit/subscription'
import type { Erasure } from '../erasure.ts'

/** Every message that user listens to: each service says what it has erased of a person. */
export const userSubscription = (erasure: Erasure): Subscription =>
  subscription(...keepers.map((keeper) => reportOf(keeper, erasure)))

const reportOf = (service: Keeper, erasure: Erasure): MessageHandler =>
  on(PersonErased[service], async (tx, batch) => {
    for (const { data } of batch) await erasure.noteReport(tx, { id: data.erasureId, service, report: data.report })
  })
