/** An expected outcome, returned and never thrown: either a value or a refusal that the caller must look at. */
export type Result<T, E = Refusal> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E }

/** Why something was refused: a stable code (`service.kebab-code`, never reused) and one sentence for a person. */
export interface Refusal<Code extends string = string> {
  readonly code: Code
  readonly detail: string
}

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value })

export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error })

/** Shorthand for the most common error of all: a refusal with its code and sentence. */
export const refuse = <Code extends string>(code: Code, detail: string) => err<Refusal<Code>>({ code, detail })
