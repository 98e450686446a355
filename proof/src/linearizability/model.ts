/** What one key's history should look like if nothing ever ran at the same time: a state and what each call does to it. */
export interface Model<State, Call, Answer> {
  readonly initial: State
  /**
   * The state after a call that got this answer; `undefined` when it cannot have got it in this state.
   * Without an answer (nobody knows what became of the call) whatever it may have done.
   */
  step(state: State, call: Call, answer: Answer | undefined): State | undefined
  /** Whether a call that got this answer changes no state, whichever it is: it may then be taken as soon as it fits. */
  onlyLooks(call: Call, answer: Answer): boolean
  /** About how much has to happen until the call can get this answer. Only a hint: it says what is tried first. */
  distance?(state: State, call: Call, answer: Answer): number
  /** Whether a call without an answer is as likely not to have happened: also a hint, such calls are tried after others that help. */
  isDoubtful?(call: Call): boolean
  /** The same text for the same state, another for another. */
  nameOf(state: State): string
}

/** One call of one client. `from` and `to` are positions in the history, the real-time order of everything. */
export interface Operation<Call, Answer> {
  readonly call: Call
  /** Missing when nobody knows what became of the call: it may take effect at any time after `from`, or never. */
  readonly answer?: Answer
  readonly from: number
  /** Infinity without an answer. */
  readonly to: number
}

export type Verdict<Call, Answer> =
  | { readonly kind: 'linearizable'; readonly steps: number }
  /** `stuck` is the call for which no order of the calls leaves a place, in the attempt that came furthest. */
  | { readonly kind: 'impossible'; readonly steps: number; readonly stuck: Operation<Call, Answer> }
  /** The budget was used up before it was decided. */
  | { readonly kind: 'unknown'; readonly steps: number }
