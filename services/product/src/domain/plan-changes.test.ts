import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { planChanges, type WantedProduct } from './plan-changes.ts'
import type { Product, ProductContent } from './product.ts'

const at = new Date('2026-11-21T12:00:00Z')
const content = (handle: string, ...skus: string[]): ProductContent => ({
  handle,
  title: handle,
  description: '',
  vendor: null,
  productType: null,
  tags: [],
  status: 'active',
  options: [],
  images: [],
  variants: skus.map((sku) => ({ sku, title: 'Default Title', options: {}, price: { minor: 1, currency: 'USD' } })),
})
const product = (id: string, ...shape: Parameters<typeof content>): Product => ({
  ...content(...shape),
  id,
  version: 3,
  createdAt: at,
  updatedAt: at,
})
const neighboursOf = (...products: Product[]) => ({
  handles: new Map(products.map(({ handle, id }) => [handle, id])),
  skus: new Map(products.flatMap(({ id, variants }) => variants.map(({ sku }) => [sku, id] as const))),
})
const outcomes = (wanted: readonly WantedProduct[], ...products: Product[]) =>
  planChanges(wanted, neighboursOf(...products), at).map((plan) => (plan.ok ? plan.value.outcome : plan.error.code))

describe('changes to the catalogue', () => {
  const a = product('a', 'mug', 'M1', 'M2')

  test('create, update or change nothing', () => {
    assert.deepEqual(
      outcomes(
        [
          { id: 'a', before: a, content: content('mug', 'M1', 'M2') },
          { id: 'b', content: content('bowl', 'B1') },
          { id: 'a', before: a, content: content('mug', 'M1') },
        ],
        a,
      ),
      ['unchanged', 'created', 'updated'],
    )
    const [updated] = planChanges([{ id: 'a', before: a, content: content('cup', 'M1') }], neighboursOf(a), at)
    assert.ok(updated?.ok && updated.value.product.version === 4)
  })

  test('are refused where a handle or SKU belongs to another, and the others go on', () => {
    assert.deepEqual(
      outcomes(
        [
          { id: 'b', content: content('mug', 'B1') },
          { id: 'c', content: content('cup', 'M2') },
          { id: 'd', content: content('bowl', 'B1') },
          { id: 'e', content: content('plate', 'B1') },
        ],
        a,
      ),
      ['product.handle-taken', 'product.sku-taken', 'created', 'product.sku-taken'],
    )
  })

  test('find free what an earlier one gave up', () => {
    assert.deepEqual(
      outcomes(
        [
          { id: 'a', before: a, content: content('cup', 'M1') },
          { id: 'b', content: content('mug', 'M2') },
        ],
        a,
      ),
      ['updated', 'created'],
    )
  })

  test('never give a handle or SKU to two products', () => {
    const name = fc.constantFrom('h1', 'h2', 'h3', 'h4')
    const skus = fc.uniqueArray(fc.constantFrom('s1', 's2', 's3', 's4', 's5'), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(fc.tuple(name, skus), { maxLength: 12 }), (shapes) => {
        const shelf = new Map<string, Product>()
        for (const [index, [handle, own]] of shapes.entries()) {
          const before = [...shelf.values()].find((candidate) => candidate.handle === handle)
          const id = before?.id ?? `p${index}`
          const [plan] = planChanges(
            [{ id, before, content: content(handle, ...own) }],
            neighboursOf(...shelf.values()),
            at,
          )
          if (plan?.ok) shelf.set(id, plan.value.product)
        }
        const taken = [...shelf.values()].flatMap(({ variants }) => variants.map(({ sku }) => sku))
        assert.equal(new Set(taken).size, taken.length)
        assert.equal(new Set([...shelf.values()].map(({ handle }) => handle)).size, shelf.size)
      }),
    )
  })
})
