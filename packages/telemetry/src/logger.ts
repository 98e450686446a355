import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { currentContext, traceIdOf } from './context.ts'

export type Logger = PinoLogger

/** Whatever carries a credential or a person's data is cut out, wherever it stands in a logged object. */
const secretFields = [
  'password',
  'token',
  'accessToken',
  'refreshToken',
  'authorization',
  'cookie',
  'secret',
  'cardNumber',
  'email',
  'name',
  'shippingAddress',
  'cart-token',
  'idempotency-key',
]
const redact = secretFields.flatMap((field) => {
  const key = field.includes('-') ? `["${field}"]` : field
  return field.includes('-') ? [key, `*${key}`, `*.*${key}`] : [key, `*.${key}`, `*.*.${key}`]
})

/** The level that a configuration names; the usual one for a word that is none, so that who refuses the word can say so. */
export const levelOf = (word: string | undefined): string =>
  word !== undefined && (word in pino.levels.values || word === 'silent') ? word : 'info'

/** JSON lines for machines; each carries the service, and the correlation and trace ids of the work it belongs to. */
export function createLogger(options: { service: string; level?: string; destination?: DestinationStream }): Logger {
  const settings = {
    level: options.level ?? 'info',
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: redact, censor: '[redacted]' },
    mixin: () => {
      const context = currentContext()
      return context ? { correlationId: context.correlationId, traceId: traceIdOf(context.traceparent) } : {}
    },
  }
  return options.destination ? pino(settings, options.destination) : pino(settings)
}

export const silentLogger = (): Logger => pino({ level: 'silent' })
