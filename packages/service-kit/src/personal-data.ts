import type { ConnectRouter } from '@connectrpc/connect'
import { PersonalData } from '@micromart/contracts/gen/personal_data_pb'
import type { DataOf } from '@micromart/contracts/message'
import { type ErasureReport, ErasureRequested, type Keeper, PersonErased } from '@micromart/contracts/personal-data'
import type { Transaction } from '@micromart/postgres/database'
import { forgetCaller } from '@micromart/postgres/idempotency'
import { type Outbox, send } from '@micromart/postgres/outbox'
import type { WorkContext } from '@micromart/telemetry/context'
import { type MessageHandler, on } from './subscription.ts'

export interface Person {
  readonly userId: string
  /** All of their orders. */
  readonly orderIds: readonly string[]
}

/** What a service knows about people. */
export interface PersonalDataStore {
  /** Everything about one person, for them to read (GDPR, article 15). */
  collect(person: Person): Promise<Readonly<Record<string, unknown>>>
  /** Erases it (GDPR, article 17), twice without harm; what has to stay is named with the reason. */
  erase(tx: Transaction, person: Person): Promise<ErasureReport>
}

export type ErasureRequest = DataOf<typeof ErasureRequested>

/** Erases this service's part of a person and says so, in one transaction. */
export const eraser =
  (keeper: Keeper, { data, outbox }: { data: PersonalDataStore; outbox: Outbox }) =>
  async (tx: Transaction, request: ErasureRequest, context: WorkContext): Promise<void> => {
    const { erased, kept } = await data.erase(tx, request)
    const answers = { what: 'answers kept for repeated requests', rows: await forgetCaller(tx, request.userId) }
    const report = { erased: [...erased, answers], kept }
    await outbox.add(tx, [send(PersonErased[keeper], { erasureId: request.erasureId, report }, context)])
  }

/** For a service that can erase its part at once. */
export function eraseWhenAsked(keeper: Keeper, parts: Parameters<typeof eraser>[1]): MessageHandler {
  const erase = eraser(keeper, parts)
  return on(ErasureRequested, async (tx, batch) => {
    for (const { data: request, context } of batch) await erase(tx, request, context)
  })
}

/** Tells the user service what is known here about a person. */
export const personalDataQueries =
  (data: PersonalDataStore) =>
  (router: ConnectRouter): void => {
    router.service(PersonalData, {
      collect: async ({ userId, orderIds }) => ({ document: JSON.stringify(await data.collect({ userId, orderIds })) }),
    })
  }
