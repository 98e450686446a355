// Behind every script of package.json: the right Node, the dependencies, then the program.
// Plain JavaScript without dependencies, and no syntax newer than Node 20: it runs before anything is there.

import { ensureDependencies } from './bootstrap/dependencies.mjs'
import { explainAndExit } from './bootstrap/fault.mjs'
import { isNodeNewEnough, nodeOfOurOwn } from './bootstrap/node-runtime.mjs'
import { runHere, runOn } from './bootstrap/run-program.mjs'

/** 'prod' is `npm ci --omit=dev`, 'all' is `npm ci`. */
const PROGRAMS = {
  start: { needs: 'prod', file: 'apps/micromart/src/main.ts', args: ['start'] },
  cli: { needs: 'prod', file: 'apps/micromart/src/main.ts', args: [] },
  verify: { needs: 'prod', file: 'apps/micromart/src/main.ts', args: ['verify'] },
  rolling: { needs: 'prod', file: 'proof/src/rolling.ts', args: [] },
  races: { needs: 'prod', file: 'proof/src/races.ts', args: [] },
  'answer-times': { needs: 'prod', file: 'proof/src/answer-times.ts', args: [] },
  campaign: { needs: 'prod', file: 'proof/src/campaign.ts', args: [] },
  'crash-matrix': { needs: 'all', file: 'proof/src/crash-matrix.ts', args: [] },
  'bench:hostile': { needs: 'prod', file: 'bench/src/hostile.ts', args: [] },
  'bench:checkout': { needs: 'prod', file: 'bench/src/checkout.ts', args: [] },
  'bench:gateway': { needs: 'all', file: 'bench/src/gateway.ts', args: [] },
  'planted-bugs': { needs: 'all', file: 'proof/src/planted-bugs.ts', args: [] },
  simulate: { needs: 'all', file: 'proof/src/simulate.ts', args: [] },
  fuzz: { needs: 'prod', file: 'proof/src/fuzz.ts', args: [] },
  test: { needs: 'all', file: 'scripts/run-tests.mjs', args: [] },
  check: { needs: 'all', file: 'scripts/check.mjs', args: [] },
}

async function main([name = '', ...rest]) {
  const program = PROGRAMS[name]
  if (program === undefined) {
    process.stderr.write(`Usage: node scripts/bootstrap.mjs <${Object.keys(PROGRAMS).join('|')}> [arguments]\n`)
    process.exitCode = 1
  } else if (isNodeNewEnough()) {
    await ensureDependencies(program.needs)
    await runHere(program.file, [...program.args, ...rest])
  } else {
    await runOn(await nodeOfOurOwn(), [process.argv[1], name, ...rest])
  }
}

main(process.argv.slice(2)).catch(explainAndExit)
