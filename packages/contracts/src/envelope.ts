/**
 * A message on its way: CloudEvents 1.0 in structured JSON mode (`application/cloudevents+json`).
 * The kits set every attribute; a service only says which message and with what data.
 */
export interface Envelope<Data = unknown> {
  readonly specversion: '1.0'
  /** UUIDv7 of the outbox row; consumers recognise a repeat by it. */
  readonly id: string
  /** The owner, such as `/order`. */
  readonly source: string
  /** `micromart.owner.kebab-name.v1`. */
  readonly type: string
  /** The aggregate's id: messages about one subject keep their order as far as the broker can. */
  readonly subject: string
  /** When the fact happened, RFC 3339 in UTC. */
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly dataschema: string
  /** Minted at the gateway, the same for everything that follows from one request. */
  readonly correlationid: string
  /** The id of the message or request that caused this one. */
  readonly causationid: string
  /** W3C Trace Context, so that one trace reaches from gateway to e-mail. */
  readonly traceparent: string
  readonly data: Data
}

export const ENVELOPE_CONTENT_TYPE = 'application/cloudevents+json'
