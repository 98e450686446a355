export type EmbeddedPostgresErrorCode =
  | 'postgres.unsupported-platform'
  | 'postgres.disk-full'
  | 'postgres.data-dir-unusable'
  | 'postgres.incompatible-data'
  | 'postgres.in-use'
  | 'postgres.port-in-use'
  | 'postgres.start-failed'

/** Why the embedded PostgreSQL cannot run. `code` is stable; `message` is one sentence for a person and names the way out. */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'EmbeddedPostgresError'
    this.code = code
  }
}

/** The operating system's error code (`ENOSPC`, `EACCES`, ...) of a thrown value, or '' when it carries none. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Turns an operating system error about a file of ours into an error that says what to do; anything else passes as it is. */
export function explainFileError(error: unknown, dataDir: string): unknown {
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(dataDir, { cause: error })
    case 'EACCES':
    case 'EPERM':
      return unusable(
        `This user may not write to the data directory ${dataDir}: run as its owner, or choose another data directory.`,
        { cause: error },
      )
    case 'EROFS':
      return unusable(`The data directory ${dataDir} is read-only: choose another data directory.`, { cause: error })
    case 'ENOTDIR':
    case 'EEXIST':
      return unusable(`${dataDir} is not a directory: choose another data directory.`, { cause: error })
    default:
      return error
  }
}

/** Whether a program's output speaks of a full disk. */
export function speaksOfFullDisk(output: string): boolean {
  return /No space left on device|Disk quota exceeded/i.test(output)
}

export function diskFull(dataDir: string, options?: ErrorOptions): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'postgres.disk-full',
    `The disk that holds ${dataDir} is full: free about 200 MB there, or choose a data directory on another disk.`,
    options,
  )
}

export function unusable(message: string, options?: ErrorOptions): EmbeddedPostgresError {
  return new EmbeddedPostgresError('postgres.data-dir-unusable', message, options)
}
