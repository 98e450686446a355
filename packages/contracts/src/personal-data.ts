import Type, { type Static } from 'typebox'
import { message, Uuid } from './message.ts'

/** Who knows something about people, besides the user service itself. */
export const keepers = ['cart', 'order', 'payment', 'notification'] as const
export type Keeper = (typeof keepers)[number]

const count = Type.Integer({ minimum: 0 })

/** What became of one kind of data: gone, or still there for a reason. */
export const ErasedPart = Type.Object({ what: Type.String(), rows: count })
export const KeptPart = Type.Object({ what: Type.String(), rows: count, why: Type.String() })
export const ErasureReport = Type.Object({ erased: Type.Array(ErasedPart), kept: Type.Array(KeptPart) })
export type ErasureReport = Static<typeof ErasureReport>

/** A person wants to be forgotten, and nothing of theirs is under way any more. Each keeper erases its own part and says so. */
export const ErasureRequested = message(
  'micromart.user.erasure-requested.v1',
  'erasureId',
  Type.Object({ erasureId: Uuid, userId: Uuid, orderIds: Type.Array(Uuid) }),
)

const personErased = (keeper: Keeper) =>
  message(`micromart.${keeper}.person-erased.v1`, 'erasureId', Type.Object({ erasureId: Uuid, report: ErasureReport }))

/** A keeper has erased its part. */
export const PersonErased = {
  cart: personErased('cart'),
  order: personErased('order'),
  payment: personErased('payment'),
  notification: personErased('notification'),
} satisfies Record<Keeper, unknown>
