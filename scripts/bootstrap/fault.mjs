/** A fault that a person can mend: the message is one sentence with the way out, and no stack is shown. */
export class Fault extends Error {}

/** Ends the process with code 1: a fault as its sentence, a bug as it is. */
export function explainAndExit(error) {
  process.stderr.write(error instanceof Fault ? `${error.message}\n` : `${error?.stack ?? error}\n`)
  process.exit(1)
}

const CAUSES = [
  [/\b(ENOSPC|EDQUOT)\b|no space left on device/i, 'the disk is full: free about 1 GB and start again'],
  [/\b(EACCES|EPERM|EROFS)\b/, 'this user may not write here or to the npm cache: run as the owner of this folder'],
  [/\bEINTEGRITY\b/, 'a downloaded package is damaged: run "npm cache verify" and start again'],
  [/\b(E401|E403|ENEEDAUTH)\b/, 'the npm registry refused the access: check the registry settings of npm'],
  [/\bEUSAGE\b/, 'package.json and package-lock.json do not fit together: run "npm install"'],
  [
    /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b|network/i,
    'the npm registry cannot be reached: check the network or the proxy settings of npm and start again',
  ],
]

/** Says in one sentence why a step failed, after what the failing program itself had to say. */
export function faultFrom(step, output) {
  const [, cause = "see npm's words above"] = CAUSES.find(([pattern]) => pattern.test(output)) ?? []
  return new Fault(`${withoutNoise(output)}\n\n${step} failed: ${cause}.`)
}

// npm adds its manual page to a usage error, and its own stack to any other.
function withoutNoise(output) {
  const [said] = output.split(/^npm error (?:Clean install a project|Usage:)/m)
  const lines = said.split('\n').filter((line) => !/^npm error(?:\s+at .*|\s*)$/.test(line))
  return lines.join('\n').trim()
}
