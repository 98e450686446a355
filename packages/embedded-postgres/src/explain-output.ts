import { diskFull, EmbeddedPostgresError, speaksOfFullDisk } from './embedded-postgres-error.ts'

/** Makes one sentence of what PostgreSQL wrote before it gave up; the whole output is the error's cause. */
export function explainOutput(
  output: string,
  { dataDir, failure }: { dataDir: string; failure: string },
): EmbeddedPostgresError {
  const cause = new Error(output.trim())
  if (speaksOfFullDisk(output)) return diskFull(dataDir, { cause })
  if (/GLIBC_[\d.]+' not found/.test(output)) {
    const message =
      'The C library of this Linux is too old for the embedded PostgreSQL. ' +
      'Start MicroMart with the URL of a PostgreSQL server of your own instead.'
    return new EmbeddedPostgresError('postgres.unsupported-platform', message, { cause })
  }
  return new EmbeddedPostgresError('postgres.start-failed', `${failure}: ${tellingLine(output)}`, { cause })
}

function tellingLine(output: string): string {
  const lines = output.trim().split('\n')
  const line = lines.find((each) => /\b(FATAL|PANIC)\b|error|denied/i.test(each)) ?? lines.at(-1) ?? ''
  return line.replace(/^.*\b(FATAL|PANIC|error): +/, '').trim() || 'it said nothing'
}
