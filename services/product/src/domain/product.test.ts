import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changeContent, contentOf, type Product, type ProductDraft, sameContent, soldAs } from './product.ts'

const usd = (minor: number) => ({ minor, currency: 'USD' })
const mug: ProductDraft = {
  handle: 'mug',
  title: 'Mug',
  variants: [
    { sku: 'MUG-S', options: { Size: 'S', Colour: 'White' }, price: usd(900) },
    { sku: 'MUG-L', options: { Size: 'L', Colour: 'White' }, price: usd(1_200) },
  ],
}
const content = (draft: ProductDraft) => {
  const result = contentOf(draft)
  assert.ok(result.ok)
  return result.value
}
const codeOf = (draft: ProductDraft) => {
  const result = contentOf(draft)
  return result.ok ? undefined : result.error.code
}
const product = (draft: ProductDraft): Product => {
  const at = new Date('2026-11-21T12:00:00Z')
  return { ...content(draft), id: 'p', version: 1, createdAt: at, updatedAt: at }
}

describe('a product', () => {
  test('is completed from its draft', () => {
    const { options, variants, status, images, ...rest } = content({
      ...mug,
      images: [
        { url: 'https://x.test/a.jpg', position: 7 },
        { url: 'http://x.test/b.jpg', alt: 'B' },
      ],
    })
    assert.deepEqual(options, [
      { name: 'Size', values: ['S', 'L'] },
      { name: 'Colour', values: ['White'] },
    ])
    assert.deepEqual(
      variants.map(({ title }) => title),
      ['S / White', 'L / White'],
    )
    assert.deepEqual([status, rest.vendor, rest.description, rest.tags], ['active', null, '', []])
    assert.deepEqual(images, [
      { url: 'https://x.test/a.jpg', position: 1 },
      { url: 'http://x.test/b.jpg', alt: 'B', position: 2 },
    ])
    assert.equal(content({ ...mug, variants: [{ sku: 'MUG', price: usd(1) }] }).variants[0]?.title, 'Default Title')
  })

  test('is refused when its parts do not fit each other', () => {
    const [small, large] = mug.variants
    assert.ok(small && large)
    assert.equal(codeOf({ ...mug, variants: [small, { ...large, sku: 'MUG-S' }] }), 'product.duplicate-sku')
    assert.equal(codeOf({ ...mug, variants: [small, { ...large, options: { Size: 'L' } }] }), 'product.bad-options')
    assert.equal(
      codeOf({ ...mug, variants: [small, { ...large, options: { ...small.options } }] }),
      'product.bad-options',
    )
    assert.equal(codeOf({ ...mug, options: [{ name: 'Size', values: ['S'] }] }), 'product.bad-options')
    assert.equal(
      codeOf({
        ...mug,
        options: [
          { name: 'Size', values: ['S', 'L'] },
          { name: 'Size', values: ['White'] },
        ],
      }),
      'product.bad-options',
    )
    assert.equal(
      codeOf({ ...mug, variants: [{ ...small, compareAtPrice: { minor: 1, currency: 'EUR' } }] }),
      'product.bad-price',
    )
    assert.equal(codeOf({ ...mug, images: [{ url: 'javascript:alert(1)' }] }), 'product.bad-image')
    assert.equal(codeOf({ ...mug, variants: [{ ...small, imageUrl: 'http://' }] }), 'product.bad-image')
  })

  test('changes by field; new variants bring their own options', () => {
    const titled = changeContent(product(mug), { title: 'Big Mug' })
    assert.ok(titled.ok && titled.value.title === 'Big Mug' && titled.value.options.length === 2)
    const plain = changeContent(product(mug), { variants: [{ sku: 'MUG', price: usd(1) }] })
    assert.deepEqual(plain.ok && plain.value.options, [])
    const wrong = changeContent(product(mug), { options: [{ name: 'Size', values: ['S', 'L'] }] })
    assert.equal(!wrong.ok && wrong.error.code, 'product.bad-options')
  })

  test('is the same whatever the order of its keys', () => {
    const [first, ...others] = mug.variants
    assert.ok(first)
    const turned = {
      ...mug,
      variants: [
        { price: usd(900), options: { Colour: 'White', Size: 'S' }, title: 'S / White', sku: 'MUG-S' },
        ...others,
      ],
    }
    assert.ok(
      sameContent(
        content({ ...mug, options: content(mug).options }),
        content({ ...turned, options: content(mug).options }),
      ),
    )
    assert.ok(!sameContent(content(mug), content({ ...mug, tags: ['new'] })))
  })

  test('is sold under its title and, where there are several, the variant', () => {
    assert.equal(soldAs('Mug', 'Default Title'), 'Mug')
    assert.equal(soldAs('Mug', 'S / White'), 'Mug (S / White)')
  })
})
