import { ConfigError } from '@micromart/service-kit/config'

/** Something that the person at the keyboard can mend: one sentence that says how. */
export class Fault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Fault'
  }
}

/** One sentence for what went wrong; undefined for a bug, which deserves its stack. */
export function explain(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof Fault || error instanceof ConfigError || error.name === 'EmbeddedPostgresError')
    return error.message
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string }
  if (code === 'EADDRINUSE')
    return `Port ${port ?? ''} is in use. Stop what listens there, or choose another port with --port N.`
  if (code === 'EACCES' && port !== undefined)
    return `Port ${port} may not be opened by this user. Choose one above 1023 with --port N.`
  if (code === 'ECONNREFUSED')
    return `Nothing answers at ${address ?? 'that address'}${port ? `:${port}` : ''}. Is the server running?`
  if (code === 'ENOSPC') return 'The disk is full. Free some space, or choose another place with --data DIR.'
  return undefined
}
