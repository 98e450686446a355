import type { Envelope } from '@micromart/contracts/envelope'

/**
 * Carries messages from outboxes to the queues of `Topology`. Every adapter passes the broker conformance suite.
 *
 * Delivery is at least once; messages of one subject arrive in the order they were published unless one of them failed.
 */
export interface Broker {
  /**
   * Hands over messages in order, one promise each. A promise resolves to `confirmed` only when the message can no longer be
   * lost: stored by the broker for every queue bound to its type, or committed by every subscriber. It never rejects. A type that is
   * broadcast is confirmed when the broker has taken it, whoever listens.
   */
  publish(messages: readonly Envelope[]): readonly Promise<PublishOutcome>[]
  /** Starts to deliver a queue's messages in batches, one batch at a time. The queue must be part of the topology. */
  subscribe(queue: string, options: SubscribeOptions, handle: BatchHandler): Promise<Consumer>
  /**
   * Hears every message of these types that passes while the connection is there, each listener for itself. Nothing is kept, repeated or
   * waited for: for what can be forgotten, such as caches, and never part of an invariant. The types must be broadcast.
   */
  listen(types: readonly string[], listener: BroadcastListener): Promise<Consumer>
  /** Stops all consumers (each finishes its running batch), gives back what was only fetched, and disconnects. */
  close(): Promise<void>
}

/** What it throws is logged and forgotten. */
export interface BroadcastListener {
  /** An envelope as it came: its data may be anything. */
  hear(message: Envelope): void
  /** Listens from now on, for the first time or again: whatever was published before may have been missed. */
  resumed(): void
  /** Hears nothing until `resumed`. */
  lost(): void
}

export type PublishOutcome =
  | { readonly confirmed: true }
  /** `unroutable`: no queue is bound to the type. `refused`: a queue did not take it. `unavailable`: no answer came (cut off, timed out or closing). */
  | { readonly confirmed: false; readonly reason: 'unroutable' | 'refused' | 'unavailable'; readonly detail: string }

export interface SubscribeOptions {
  /** Most messages in one batch, 1 to 500; a batch is as large as what waits, never waited for. */
  readonly batchSize: number
}

export interface Delivery {
  /** The structured-mode JSON text as it came; it may be anything. */
  readonly body: string
  /** 1 for the first delivery, one more for each time it was given back. At least that: a broker restart may lose count. */
  readonly attempt: number
  /** The broker gave up on this message (its delivery limit): record it as a dead letter, it will not be retried. */
  readonly exhausted: boolean
}

/** One verdict per delivery, in the same order. A handler that throws means `retry` for all of them. */
export type BatchHandler = (deliveries: readonly Delivery[]) => Promise<readonly Verdict[]>

export type Verdict =
  /** Committed (or recorded as a dead letter): acknowledge. */
  | { readonly kind: 'done' }
  /** Failed for now: deliver again after the delay, others first. */
  | { readonly kind: 'retry'; readonly afterMs: number }

export interface Consumer {
  /** Stops taking messages, waits for the running batch and gives the rest back. Safe to call twice. */
  close(): Promise<void>
}
