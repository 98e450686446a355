import { type Area, areas } from './abuse-case.ts'
import { attacks } from './catalogue.ts'
import { covered, without } from './covered.ts'

const HERE = 'proof/test/security/abuse-cases.test.ts'

const row = (...cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
const link = (file: string) => `[${file}](../../${file})`

function rowsOf(area: Area): readonly string[] {
  return [
    ...attacks
      .filter((one) => one.area === area)
      .map(({ name, control }) => row(name, link(HERE), `succeeds against ${control}`)),
    ...covered
      .filter((one) => one.area === area)
      .map(({ name, file, test, control }) => row(name, `${link(file)}: ${test}`, control)),
    ...without.filter((one) => one.area === area).map(({ name, reason }) => row(name, 'none', reason)),
  ]
}

/** docs/security/abuse-cases.md, out of the catalogue. */
export const abuseTable = (): string =>
  [
    '# Abuse cases',
    '',
    'What is tried against the shop, the test that tries it, and what shows that the test can fail: the same attack on something that lacks the',
    'protection. Made from `proof/test/security/catalogue.ts` and `covered.ts`; `npm test` says when it is stale.',
    '',
    ...areas.flatMap((area) => [
      `## ${area}`,
      '',
      row('Case', 'Test', 'Control'),
      row('---', '---', '---'),
      ...rowsOf(area),
      '',
    ]),
  ].join('\n')
