import type { Scene } from './scene.ts'

/** A request as it goes over the wire; `body` is sent as JSON unless it is text or bytes already. */
export interface Wish {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Sends the body in chunks, without saying how long it is. */
  readonly chunked?: boolean
}

/**
 * Status and code, such as `404 cart.unknown`. `200` is for the import, where one bad product does not stop the others: the code
 * stands in the result of that product.
 */
export type Refusal = `4${number} ${string}.${string}` | `200 ${string}.${string}`

export interface BadCase {
  readonly what: string
  /** What differs from the well-formed request; headers are laid over its headers, and an empty one takes it away. */
  readonly wish: Partial<Wish>
  /** What may be answered; nothing else is right. */
  readonly refusals: readonly Refusal[]
}

export const bad = (what: string, wish: Partial<Wish>, ...refusals: readonly Refusal[]): BadCase => ({
  what,
  wish,
  refusals,
})

/** Everything that the suite knows about one public operation. */
export interface RouteCases {
  /** A request that is in order: all cases are this one with something wrong. The last test sends it, to prove that it is. */
  readonly good: (scene: Scene) => {
    /** The path with its parameters filled in, and the query. */
    readonly path: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: unknown
  }
  readonly accepted: 200 | 201 | 202 | 204 | 303
  /** What is answered for a path parameter that names nothing. */
  readonly unknown?: readonly Refusal[]
  /** What a body with a wrong field is answered, beside `400 request.invalid`. */
  readonly wrongField?: readonly Refusal[]
  /** Changes of the body that are in order, with the reason. */
  readonly harmless?: Readonly<Record<string, string>>
  /** The body may be left out, or null. */
  readonly bodyIsOptional?: true
  /** It takes an Idempotency-Key. */
  readonly idempotent?: true
  /** The body is not looked at before its signature was. */
  readonly opaqueBody?: readonly Refusal[]
  /** Tables in which a row is right all the same, with the reason; everything else stays as it was. */
  readonly writes?: Readonly<Record<string, string>>
  /** What only this route can be given. */
  readonly special?: (scene: Scene) => readonly BadCase[]
}

/** By method and path, as in the table of the gateway. */
export type CasesByRoute = Readonly<Record<string, RouteCases>>
