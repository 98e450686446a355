// The walls of the house, as import rules. `node scripts/check-imports.mjs` runs them.

/** Packages by level: a package imports from lower levels only, never from a sibling. */
const LEVELS = [
  ['kernel'],
  ['contracts', 'telemetry', 'embedded-postgres'],
  ['messaging', 'postgres', 'http-kit'],
  ['service-kit'],
  ['testkit'],
]

const TEST = String.raw`\.test\.ts$|/test/`
const START = String.raw`^(services|apps)/[^/]+/src/main\.ts$|^(bench|proof|scripts)/|${TEST}`
const ANY_LEVEL = LEVELS.flat().join('|')

const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

const looksDown = LEVELS.map((packages, level) =>
  forbid(
    'packages-look-down',
    `a package of level ${level} imports only from lower levels, never from a sibling`,
    { path: `^packages/(${packages.join('|')})/` },
    { path: `^packages/(${LEVELS.slice(level).flat().join('|')})/`, pathNot: '^packages/($1|testkit)/' },
  ),
)

export default {
  forbidden: [
    forbid(
      'service-imports-service',
      'services meet only in packages/contracts',
      { path: '^services/([^/]+)/' },
      { path: '^services/', pathNot: '^services/$1/' },
    ),
    forbid(
      'service-inside',
      'from outside a service only the files directly in its src are public',
      { path: '^(apps|proof|bench|scripts)/' },
      { path: '^services/', pathNot: '^services/[^/]+/src/[^/]+$' },
    ),
    forbid(
      'domain-is-pure',
      'a domain imports only packages/kernel, packages/contracts and itself',
      { path: '^services/([^/]+)/src/domain/', pathNot: TEST },
      { pathNot: '^packages/(kernel|contracts)/|^services/$1/src/domain/' },
    ),
    forbid(
      'sides-do-not-meet',
      'http, messages and adapters of a service do not see each other',
      { path: '^services/([^/]+)/src/(http|messages|adapters)/' },
      { path: '^services/$1/src/(http|messages|adapters)/', pathNot: '^services/$1/src/$2/' },
    ),
    ...looksDown,
    forbid(
      'package-without-level',
      'give the package a level in .dependency-cruiser.mjs',
      { path: '^packages/', pathNot: `^packages/(${ANY_LEVEL})/` },
      {},
    ),
    forbid(
      'testkit-in-tests-only',
      'only tests and proof may use the testkit',
      { pathNot: `${TEST}|^proof/|^packages/testkit/` },
      { path: '^packages/testkit/' },
    ),
    forbid('package-imports-service', 'packages know no service', { path: '^packages/' }, { path: '^services/' }),
    forbid(
      'house-imports-program',
      'packages and services know none of the programs built from them',
      { path: '^(packages|services)/' },
      { path: '^(apps|proof|bench|scripts)/' },
    ),
    forbid('no-circle', 'modules that import each other in a circle cannot be read alone', {}, { circular: true }),
    forbid('not-resolved', 'the import leads nowhere', {}, { couldNotResolve: true }),
    forbid(
      'not-declared',
      'third-party packages are declared in package.json',
      {},
      { path: 'node_modules', dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    ),
    forbid(
      'development-only',
      'what runs in production imports no development dependency',
      { path: '^(packages|services|apps)/', pathNot: `${TEST}|^packages/testkit/` },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'nobody-comes-here',
      'no program and no test leads to this file',
      { path: START },
      { path: '^(packages|services|apps)/', pathNot: START, reachable: false },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(\\.data|\\.node|coverage)/' },
    combinedDependencies: true,
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'types', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
}
