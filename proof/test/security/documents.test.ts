import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { abuseTable } from './abuse-table.ts'
import { attacks } from './catalogue.ts'
import { covered } from './covered.ts'

const fromRoot = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const ABUSE_CASES = fromRoot('docs/security/abuse-cases.md')

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
})

const hasTest = (file: string, title: string) =>
  existsSync(fromRoot(file)) && readFileSync(fromRoot(file), 'utf8').includes(title)
