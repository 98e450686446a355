import { ConfigError } from '@micromart/service-kit/config'

/** Something that the person at the keyboard can mend: one sentence that says how. */
export class Fault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Fault'
  }
}

type SystemError = NodeJS.ErrnoException & { readonly port?: number; readonly address?: string }

const diskFull = () => 'The disk is full. Free some space, or choose another place with --data DIR.'

/** By the code of the error: the system's, or PostgreSQL's (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const sentences: Readonly<Record<string, (error: SystemError) => string | undefined>> = {
  EADDRINUSE: ({ port }) =>
    `Port ${port ?? ''} is in use. Stop what listens there, or choose another port with --port N.`,
  EACCES: ({ port }) =>
    port === undefined
      ? undefined
      : `Port ${port} may not be opened by this user. Choose one above 1023 with --port N.`,
  ECONNREFUSED: ({ address, port }) =>
    `Nothing answers at ${address ?? 'that address'}${port ? `:${port}` : ''}. Is the server running?`,
  ENOSPC: diskFull,
  '53100': diskFull,
}

/** One sentence for what went wrong; undefined for a bug, which deserves its stack. */
export function explain(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof Fault || error instanceof ConfigError || error.name === 'EmbeddedPostgresError')
    return error.message
  return sentences[(error as SystemError).code ?? '']?.(error)
}
