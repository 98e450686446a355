// The walls of the house, as import rules. `node scripts/check-imports.mjs` runs them.

/** Packages by level: a package imports from lower levels only, never from a sibling. */
const LEVELS = [
  ['kernel'],
  ['contracts', 'telemetry', 'embedded-postgres'],
  ['messaging', 'postgres', 'http-kit', 'redis', 'discovery'],
  ['service-kit'],
  ['testkit'],
]

const TEST = String.raw`\.test\.ts$|/test/`
const START = String.raw`^(services|apps)/[^/]+/src/main\.ts$|^(bench|proof)/src/[^/]+$|^proof/src/simulator/replacements/|^proof/src/campaign/clock-agent\.ts$|^bench/src/gateway/(contenders/[^/]+|load-worker\.ts)$|^scripts/[^/]+$|${TEST}`

const looksDown = LEVELS.map((packages, level) => ({
  name: 'packages-look-down',
  comment: `a package of level ${level} imports only from lower levels, never from a sibling`,
  from: { path: `^packages/(${packages.join('|')})/` },
  to: { path: `^packages/(${LEVELS.slice(level).flat().join('|')})/`, pathNot: '^packages/($1|testkit)/' },
}))

const walls = [
  {
    name: 'service-imports-service',
    comment: 'services meet only in packages/contracts',
    from: { path: '^services/([^/]+)/' },
    to: { path: '^services/', pathNot: '^services/$1/' },
  },
  {
    name: 'service-inside',
    comment: 'from outside a service only the files directly in its src are public',
    from: { path: '^(apps|proof|bench|scripts)/' },
    to: { path: '^services/', pathNot: '^services/[^/]+/src/[^/]+$' },
  },
  {
    name: 'domain-is-pure',
    comment: 'a domain imports only packages/kernel, packages/contracts and itself',
    from: { path: '^services/([^/]+)/src/domain/', pathNot: TEST },
    to: { pathNot: '^packages/(kernel|contracts)/|^services/$1/src/domain/' },
  },
  {
    name: 'sides-do-not-meet',
    comment: 'http, messages and adapters of a service do not see each other',
    from: { path: '^services/([^/]+)/src/(http|messages|adapters)/' },
    to: { path: '^services/$1/src/(http|messages|adapters)/', pathNot: '^services/$1/src/$2/' },
  },
  ...looksDown,
  {
    name: 'package-without-level',
    comment: 'give the package a level in .dependency-cruiser.mjs',
    from: { path: '^packages/', pathNot: `^packages/(${LEVELS.flat().join('|')})/` },
    to: {},
  },
  {
    name: 'package-imports-service',
    comment: 'packages know no service',
    from: { path: '^packages/' },
    to: { path: '^services/' },
  },
  {
    name: 'house-imports-program',
    comment: 'packages and services know none of the programs built from them',
    from: { path: '^(packages|services)/' },
    to: { path: '^(apps|proof|bench|scripts)/' },
  },
  {
    name: 'testkit-in-tests-only',
    comment: 'only tests, proof and bench may use the testkit',
    from: { pathNot: `${TEST}|^(proof|bench)/|^packages/testkit/` },
    to: { path: '^packages/testkit/' },
  },
]

const hygiene = [
  {
    name: 'no-circle',
    comment: 'modules that import each other in a circle cannot be read alone',
    from: {},
    to: { circular: true },
  },
  { name: 'not-resolved', comment: 'the import leads nowhere', from: {}, to: { couldNotResolve: true } },
  {
    name: 'not-declared',
    comment: 'third-party packages are declared in package.json',
    from: {},
    to: { path: 'node_modules', dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'development-only',
    comment: 'what runs in production imports no development dependency',
    from: { path: '^(packages|services|apps)/', pathNot: `${TEST}|^packages/testkit/` },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'nobody-comes-here',
    comment: 'no program and no test leads to this file',
    from: { path: START },
    to: { path: '^(packages|services|apps|bench|proof|scripts)/', pathNot: START, reachable: false },
  },
]

export default {
  forbidden: [...walls, ...hygiene].map((rule) => ({ ...rule, severity: 'error' })),
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
