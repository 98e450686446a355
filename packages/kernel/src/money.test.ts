import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addMoney, formatMoney, money, parseDecimal, totalOf } from './money.ts'

test('decimals are read exactly, to the places of the currency', () => {
  assert.deepEqual(parseDecimal('14.5', 'USD'), { ok: true, value: { minor: 1450, currency: 'USD' } })
  assert.deepEqual(parseDecimal('1500', 'JPY'), { ok: true, value: { minor: 1500, currency: 'JPY' } })
  assert.deepEqual(parseDecimal('0.125', 'BHD'), { ok: true, value: { minor: 125, currency: 'BHD' } })
  assert.deepEqual(parseDecimal('19.9900', 'USD'), { ok: true, value: { minor: 1999, currency: 'USD' } })
})

for (const text of ['', '-1', '1e21', 'NaN', '1,50', '0x10', '1.', '.5', '١٢'])
  test(`"${text}" is refused as an amount`, () => {
    const result = parseDecimal(text, 'USD')
    assert.equal(result.ok ? 'accepted' : result.error.code, 'money.not-a-decimal')
  })

test('more places than the currency has, and more than can be counted, are refused', () => {
  assert.equal(codeOf(parseDecimal('1.005', 'USD')), 'money.too-precise')
  assert.equal(codeOf(parseDecimal('999999999999999.99', 'USD')), 'money.too-large')
})

test('sums never mix currencies and never leave whole minor units', () => {
  assert.throws(() => addMoney(money(1, 'USD'), money(1, 'EUR')), RangeError)
  assert.throws(() => money(0.5, 'USD'), RangeError)
  assert.deepEqual(totalOf([{ unitPrice: money(250, 'USD'), quantity: 3 }], 'USD'), money(750, 'USD'))
})

test('amounts are written with the places of their currency', () => {
  assert.equal(formatMoney(money(5, 'USD')), '0.05 USD')
  assert.equal(formatMoney(money(-1234, 'USD')), '-12.34 USD')
  assert.equal(formatMoney(money(1234, 'JPY')), '1234 JPY')
})

const codeOf = (result: ReturnType<typeof parseDecimal>) => (result.ok ? 'ok' : result.error.code)
