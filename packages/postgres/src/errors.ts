const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENOENT',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53100', // disk_full
  '53200', // out_of_memory
  '53300', // too_many_connections
  '58030', // io_error
])
const CONNECTION_TEXTS =
  /Connection terminated|Query read timeout|^timeout expired$|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable/

const sqlState = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** The server cannot be reached, is going down, or has no room or memory (SQLSTATE classes 08 and 53, 57P0x, 58030): try the same again later. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = sqlState(error)
  if (code && (CONNECTION_CODES.has(code) || code.startsWith('08'))) return true
  if (error instanceof AggregateError) return error.errors.some(isUnavailable)
  return CONNECTION_TEXTS.test(error.message)
}

/** Somebody else was in the way for too long (SQLSTATE 57014 statement timeout, 55P03 lock timeout, 40P01 deadlock, 40001 serialization). */
export const isBusy = (error: unknown): boolean => ['57014', '55P03', '40P01', '40001'].includes(sqlState(error) ?? '')

/** A unique constraint said no (SQLSTATE 23505); with a name, that one. */
export const isUniqueViolation = (error: unknown, constraint?: string): boolean =>
  sqlState(error) === '23505' &&
  (constraint === undefined || (error as { constraint?: string }).constraint === constraint)
