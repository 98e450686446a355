const KEPT = ['PATH', 'Path', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'USERPROFILE']

/**
 * The environment that PostgreSQL's programs see: no PG* variable of the user's and none of our secrets,
 * and messages in English because we read them.
 */
// biome-ignore lint/style/noProcessEnv: it is handed on to child programs, not read as configuration
export function programEnvironment(environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = KEPT.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]]))
  return { ...Object.fromEntries(kept), LC_ALL: 'C' }
}
