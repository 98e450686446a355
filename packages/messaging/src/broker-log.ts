/** What the brokers need of a logger: fields first, then one sentence. */
export interface BrokerLog {
  info(fields: object, sentence: string): void
  warn(fields: object, sentence: string): void
  error(fields: object, sentence: string): void
}

const ignore = () => undefined

/** For whoever does not listen. */
export const silentBrokerLog: BrokerLog = { info: ignore, warn: ignore, error: ignore }
