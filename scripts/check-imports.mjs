// Checks the import rules of .dependency-cruiser.mjs on this project, or on the directory given as argument:
// a line for each violation, or one line with the number of modules read.
import { existsSync, globSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cruise } from 'dependency-cruiser'
import readTsConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import rules from '../.dependency-cruiser.mjs'
import { projectDir } from './bootstrap/project.mjs'

const SOURCES = ['packages', 'services', 'apps', 'proof', 'bench', 'scripts']

const root = realpathSync(resolve(process.argv[2] ?? projectDir))

const { tsConfig, ...options } = rules.options
const places = SOURCES.filter((place) => existsSync(join(root, place)))
const { output } = await cruise(
  places,
  { ...options, baseDir: root, validate: true, ruleSet: { forbidden: rules.forbidden } },
  undefined,
  { tsConfig: readTsConfig(join(projectDir, tsConfig.fileName)) },
)

// A cruise that read nothing finds nothing: every file that a plain walk finds has to be among the modules.
const files = globSync(`{${SOURCES.join(',')}}/**/*.ts`, {
  cwd: root,
  exclude: (path) => /(^|\/)node_modules$/.test(path),
})
const read = new Set(output.modules.map(({ source }) => source))
const unread = files.map((file) => file.replaceAll('\\', '/')).filter((file) => !read.has(file))
const violations = [...new Set(output.summary.violations.map(describe))].sort()

for (const violation of violations) process.stdout.write(`${violation}\n`)
if (files.length === 0) process.stdout.write('no TypeScript file was found: nothing was checked\n')
else if (unread.length > 0) {
  process.stdout.write(`${unread.length} of ${files.length} TypeScript files were not read, such as ${unread[0]}\n`)
}
if (violations.length > 0 || unread.length > 0 || files.length === 0) process.exitCode = 1
else
  process.stdout.write(
    `import rules hold: ${files.length} TypeScript files read, ${output.summary.totalDependenciesCruised} imports\n`,
  )

function describe({ rule, from, to, cycle }) {
  const { comment } = rules.forbidden.find(({ name }) => name === rule.name)
  return `${rule.name}: ${way({ rule, from, to, cycle }).join(' -> ')}: ${comment}`
}

function way({ rule, from, to, cycle }) {
  if (cycle !== undefined) return circle(cycle.map(({ name }) => name))
  return rule.name === 'nobody-comes-here' ? [to] : [from, to]
}

// A circle is found once from each of its modules: told from the first in the alphabet it is the same line.
function circle(modules) {
  const start = modules.indexOf(modules.toSorted()[0])
  return [...modules.slice(start), ...modules.slice(0, start + 1)]
}
