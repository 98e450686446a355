import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Addressee, Letter } from '../letter.ts'
import { renderMail } from './render-mail.ts'

const ada: Addressee = { name: 'Ada', email: 'ada@example.com', postalLines: ['1 High Street', 'York, YO1 7HH', 'GB'] }
const usd = (minor: number) => ({ minor, currency: 'USD' })
const lines = [
  { lineId: 'line-1', sku: 'MUG', title: 'Enamel mug', quantity: 2, unitPrice: usd(1_400) },
  { lineId: 'line-2', sku: 'TEE-L', title: 'T-shirt "L" <white>', quantity: 1, unitPrice: usd(1_999) },
]
const confirmed: Letter = { template: 'order-confirmed', number: '7K3QX-2M9F4', lines, total: usd(4_799) }
const refunded: Letter = { template: 'order-refunded', number: '7K3QX-2M9F4', lines, amount: usd(4_799) }
const cancelled: Letter = {
  template: 'order-cancelled',
  number: '7K3QX-2M9F4',
  reason: 'out-of-stock',
  wasConfirmed: false,
}

test('a confirmed order: what was bought, for how much, and where it goes', () => {
  const { subject, text } = renderMail(confirmed, ada)
  assert.equal(subject, 'Your order 7K3QX-2M9F4 is confirmed')
  assert.equal(
    text,
    `Hello Ada,

Thank you for your order 7K3QX-2M9F4. It is paid for, and we are getting it ready.

  2 × Enamel mug (MUG): 28.00 USD
  1 × T-shirt "L" <white> (TEE-L): 19.99 USD
  Total: 47.99 USD

It goes to:
  Ada
  1 High Street
  York, YO1 7HH
  GB

MicroMart
`,
  )
})

test('a coupon: what it took off, between the lines and the total', () => {
  const discount = { couponCode: 'SPRING', amount: usd(480) }
  const { text, html } = renderMail({ ...confirmed, discount, total: usd(4_319) }, ada)
  assert.match(text, /\(TEE-L\): 19\.99 USD\n {2}Coupon SPRING: -4\.80 USD\n {2}Total: 43\.19 USD\n/)
  assert.match(html, /Coupon SPRING[\s\S]*-4\.80 USD[\s\S]*43\.19 USD/)
  const back = renderMail({ ...refunded, discount, amount: usd(4_319) }, ada).text
  assert.match(back, /refunded 43\.19 USD[\s\S]*Coupon SPRING: -4\.80 USD\n {2}Refunded: 43\.19 USD/)
})

test('an order that cost nothing: nothing is promised back', () => {
  const discount = { couponCode: 'FREE', amount: usd(4_799) }
  const { text } = renderMail({ ...refunded, discount, amount: usd(0) }, ada)
  assert.match(text, /cost you nothing, so there is nothing to pay back/)
  assert.doesNotMatch(text, /We have refunded/)
})

test('a cancelled order: why, and what becomes of the money', () => {
  assert.match(renderMail(cancelled, ada).text, /no longer in stock[\s\S]*You pay nothing/)
  const after = renderMail({ ...cancelled, reason: 'customer', wasConfirmed: true }, ada)
  assert.match(after.text, /You asked us to cancel it[\s\S]*on its way back to you/)
})

test('a refund: how much, and for what', () => {
  const { subject, text } = renderMail(refunded, { ...ada, postalLines: [] })
  assert.equal(subject, 'Your order 7K3QX-2M9F4 is refunded')
  assert.match(text, /refunded 47\.99 USD[\s\S]*2 × Enamel mug \(MUG\): 28\.00 USD[\s\S]*Refunded: 47\.99 USD/)
})

test('HTML says the same, escaped', () => {
  const { html } = renderMail(confirmed, { ...ada, name: '<script>alert(1)</script>' })
  assert.match(html, /^<!doctype html>/)
  assert.match(html, /T-shirt &quot;L&quot; &lt;white&gt; \(TEE-L\)/)
  assert.match(html, /Hello &lt;script&gt;alert\(1\)&lt;\/script&gt;,/)
  assert.match(html, /47\.99 USD/)
})

test('without a name it still greets', () =>
  assert.match(renderMail(cancelled, { ...ada, name: ' ' }).text, /^Hello,\n/))

test('whatever people are called: no new line, no new element, and the subject is one line', () => {
  const plain = renderMail(confirmed, ada)
  const countOf = (text: string, pattern: RegExp) => text.match(pattern)?.length
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, title) => {
      const strange: Letter = {
        ...confirmed,
        number: `7K${name}`,
        lines: [{ ...(lines[0] as (typeof lines)[0]), title }, ...lines.slice(1)],
      }
      const mail = renderMail(strange, { ...ada, name: `x${name}` })
      assert.doesNotMatch(mail.subject, /[\p{Cc}\u2028\u2029]/u)
      assert.equal(countOf(mail.text, /\n/g), countOf(plain.text, /\n/g))
      assert.equal(countOf(mail.html, /</g), countOf(plain.html, /</g))
      assert.equal(countOf(mail.html, /"/g), countOf(plain.html, /"/g))
    }),
  )
})
