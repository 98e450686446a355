/** What the surroundings give to every command. */
export interface CliContext {
  readonly environment: Readonly<Record<string, string | undefined>>
}
