import type { AppliedDiscount, OrderedLine } from '@micromart/contracts/message'
import type { CancelReason } from '@micromart/contracts/order'
import type { Money } from '@micromart/kernel/money'

/** What has to be told, and nothing about whom. */
export type Letter =
  | {
      readonly template: 'order-confirmed'
      readonly number: string
      readonly lines: readonly OrderedLine[]
      /** Only with a coupon. */
      readonly discount?: AppliedDiscount
      readonly total: Money
    }
  | {
      readonly template: 'order-cancelled'
      readonly number: string
      readonly reason: CancelReason
      readonly wasConfirmed: boolean
    }
  | {
      readonly template: 'order-refunded'
      readonly number: string
      readonly lines: readonly OrderedLine[]
      /** Only with a coupon. */
      readonly discount?: AppliedDiscount
      readonly amount: Money
    }

export type Template = Letter['template']

/** An order gets each kind of mail once, so its order and template name it. */
export const emailId = (template: Template, orderId: string): string => `${template}:${orderId}`

/** Who gets it: known only while a mail is written. */
export interface Addressee {
  readonly name: string
  readonly email: string
  /** The postal address as on an envelope, without the name; empty when there is none. */
  readonly postalLines: readonly string[]
}
