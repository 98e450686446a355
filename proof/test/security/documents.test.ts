import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { abuseTable } from './abuse-table.ts'
import { attacks } from './catalogue.ts'
import { covered } from './covered.ts'

const fromRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const ABUSE_CASES = fromRoot('docs/security/abuse-cases.md')
const ASVS = fromRoot('docs/security/asvs.md')

describe('the security documents', () => {
  test('the table of abuse cases is that of the catalogue; MICROMART_WRITE_DOCS=1 writes it anew', () => {
    if (process.env['MICROMART_WRITE_DOCS'] === '1') writeFileSync(ABUSE_CASES, abuseTable())
    assert.equal(readFileSync(ABUSE_CASES, 'utf8'), abuseTable())
  })

  test('every case has another name, and the tests that it names exist', () => {
    const names = [...attacks, ...covered].map(({ area, name }) => `${area}: ${name}`)
    assert.equal(new Set(names).size, names.length)
    const missing = covered.filter(({ file, test: title }) => !hasTest(file, title))
    assert.deepEqual(missing, [])
    assert.equal(hasTest('services/payment/test/payment-service.test.ts', 'a test that nobody wrote'), false)
  })

  test('each of the 253 requirements of ASVS 5.0, levels 1 and 2, stands in its document once, with a test that exists or a reason', () => {
    const rows = asvsRows(readFileSync(ASVS, 'utf8'))
    assert.equal(requirements.length, 253)
    assert.deepEqual(rows.map(({ number }) => number).sort(), requirements.toSorted())
    assert.deepEqual(rows.flatMap(faultsOfRow), [])
    const bad = [
      '| V1.1.1 | x | met |  |',
      '| V1.1.2 | x | perhaps | y |',
      '| V1.2.1 | x | met | [a](../../no/such.ts) |',
    ]
    assert.equal(asvsRows(bad.join('\n')).flatMap(faultsOfRow).length, bad.length)
  })

  test('the counts that the document tells are those of its rows', () => {
    const text = readFileSync(ASVS, 'utf8')
    const rows = asvsRows(text)
    const count = (state: string) => rows.filter((one) => one.state === state).length
    const told = `${count('met')} met, ${count('open')} open, ${count('not here')} not here: ${rows.length} in all.`
    assert.ok(text.includes(told), told)
  })

  test('what the documents link to is there', () => {
    const documents = readdirSync(fromRoot('docs/security')).filter((name) => name.endsWith('.md'))
    const dead = documents.flatMap((name) =>
      linksIn(readFileSync(fromRoot(`docs/security/${name}`), 'utf8')).filter(
        (path) => !existsSync(fromRoot(`docs/security/${path}`)),
      ),
    )
    assert.deepEqual(dead, [])
  })
})

/** How many requirements of levels 1 and 2 each section has; those of level 3 come after them. */
const sections: Readonly<Record<string, number>> = {
  ...{ '1.1': 2, '1.2': 9, '1.3': 11, '1.4': 3, '1.5': 2, '2.1': 3, '2.2': 3, '2.3': 4, '2.4': 1 },
  ...{ '3.2': 2, '3.3': 4, '3.4': 6, '3.5': 5, '3.7': 2, '4.1': 3, '4.2': 1, '4.3': 2, '4.4': 4 },
  ...{ '5.1': 1, '5.2': 3, '5.3': 2, '5.4': 3, '6.1': 3, '6.2': 12, '6.3': 4, '6.4': 4, '6.5': 5, '6.6': 3, '6.8': 4 },
  ...{ '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 2, '7.6': 2, '8.1': 2, '8.2': 3, '8.3': 1, '8.4': 1 },
  ...{ '9.1': 3, '9.2': 4, '10.1': 2, '10.2': 2, '10.3': 4, '10.4': 11, '10.5': 5, '10.6': 2, '10.7': 3 },
  ...{ '11.1': 2, '11.2': 3, '11.3': 3, '11.4': 4, '11.5': 1, '11.6': 1, '12.1': 3, '12.2': 2, '12.3': 4 },
  ...{ '13.1': 1, '13.2': 5, '13.3': 2, '13.4': 5, '14.1': 2, '14.2': 4, '14.3': 3, '15.1': 3, '15.2': 3, '15.3': 7 },
  ...{ '16.1': 1, '16.2': 5, '16.3': 4, '16.4': 3, '16.5': 3, '17.1': 1, '17.2': 4, '17.3': 2 },
}
const requirements = Object.entries(sections).flatMap(([section, count]) =>
  Array.from({ length: count }, (_, index) => `V${section}.${index + 1}`),
)

interface AsvsRow {
  readonly number: string
  readonly state: string
  readonly evidence: string
}

const asvsRows = (text: string): readonly AsvsRow[] =>
  [...text.matchAll(/^\| (V[\d.]+) \| [^|]+ \| ([^|]*) \| ([^|]*) ?\|$/gm)].map(
    ([, number = '', state = '', evidence = '']) => ({
      number,
      state: state.trim(),
      evidence: evidence.trim(),
    }),
  )

const linksIn = (text: string) => [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path = '']) => path)

const faultsOfRow = ({ number, state, evidence }: AsvsRow): readonly string[] => [
  ...(['met', 'open', 'not here'].includes(state) ? [] : [`${number} is neither met nor open nor without object`]),
  ...(evidence === '' ? [`${number} has neither test nor reason`] : []),
  ...linksIn(evidence)
    .filter((path) => !existsSync(fromRoot(`docs/security/${path}`)))
    .map((path) => `${number}: ${path} does not exist`),
]

const hasTest = (file: string, title: string) =>
  existsSync(fromRoot(file)) && readFileSync(fromRoot(file), 'utf8').includes(title)
