import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { ProductQueries } from '@micromart/contracts/gen/product_pb'
import { queryClients } from '@micromart/service-kit/queries'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { product as productDefinition } from '../src/main.ts'

const usd = (minor: number) => ({ minor, currency: 'USD' })
const codeOf = (answer: { status: number; body: { code: string } }) => [answer.status, answer.body.code]

describe('the product service', () => {
  let h: ServiceHarness
  let staff: string
  before(async () => {
    h = await startServiceForTest(productDefinition)
    staff = await h.token({ roles: ['staff'] })
  })
  after(() => h.close())

  const draft = (change: object = {}) => {
    const name = randomUUID().slice(0, 8)
    return {
      handle: `thing-${name}`,
      title: `Thing ${name}`,
      variants: [{ sku: `SKU-${name}`, price: usd(1_400) }],
      ...change,
    }
  }
  const create = (body: unknown, token: string | undefined = staff) =>
    h.call({ method: 'POST', url: '/api/v1/products', body, ...(token ? { token } : {}) })
  const created = async (change: object = {}) => {
    const answer = await create(draft(change))
    assert.equal(answer.status, 201, answer.text)
    return answer.body
  }
  const patch = (id: string, body: unknown, headers: Record<string, string> = {}) =>
    h.call({ method: 'PATCH', url: `/api/v1/products/${id}`, body, token: staff, headers })
  const read = (idOrHandle: string, token?: string) =>
    h.call({ method: 'GET', url: `/api/v1/products/${idOrHandle}`, ...(token ? { token } : {}) })
  const list = (query: string, token?: string) =>
    h.call({ method: 'GET', url: `/api/v1/products${query}`, ...(token ? { token } : {}) })
  const bringIn = async (...products: unknown[]) => {
    const answer = await h.call({ method: 'POST', url: '/api/v1/products/import', body: { products }, token: staff })
    assert.equal(answer.status, 200, answer.text)
    return answer.body.results as { handle: string; outcome: string; code?: string }[]
  }
  const variantsOf = (...skus: string[]) =>
    queryClients(h.internalToken)(ProductQueries, [h.grpcUrl]).findVariants({ skus })
  const count = async () => (await h.database.query<{ n: number }>('SELECT count(*)::int AS n FROM products'))[0]?.n

  test('staff creates a product, everybody reads it by id or handle', async () => {
    const body = draft({
      description: '<p>Kept <b>as given</b></p>\n',
      vendor: 'Tin & Kettle',
      productType: 'Mugs',
      tags: ['kitchen', 'kitchen', 'gift'],
      images: [{ url: 'https://images.test/mug.jpg', alt: 'A mug' }],
      variants: [
        {
          sku: `S-${randomUUID()}`,
          options: { Size: 'S' },
          price: usd(900),
          compareAtPrice: usd(1_000),
          barcode: '0123',
          weightGrams: 180,
          imageUrl: 'http://images.test/s.jpg',
        },
        { sku: `L-${randomUUID()}`, options: { Size: 'L' }, price: usd(1_200) },
      ],
    })
    const answer = await create(body)
    assert.equal(answer.status, 201)
    const { id, version, createdAt } = answer.body
    assert.deepEqual([version, createdAt], [1, h.clock.now().toISOString()])
    assert.equal(answer.headers.get('location'), `/api/v1/products/${id}`)
    const found = await read(id)
    assert.equal(found.headers.get('etag'), '"1"')
    assert.deepEqual(found.body, answer.body)
    assert.deepEqual((await read(body.handle)).body, answer.body)
    assert.deepEqual(found.body.tags, ['kitchen', 'gift'])
    assert.deepEqual(found.body.options, [{ name: 'Size', values: ['S', 'L'] }])
    assert.deepEqual(found.body.variants, [
      { title: 'S', ...body.variants[0] },
      { title: 'L', ...body.variants[1] },
    ])
  })

  test('only staff writes, and only staff sees drafts and what is archived', async () => {
    const customer = await h.token()
    assert.deepEqual(codeOf(await create(draft(), customer)), [403, 'auth.forbidden'])
    assert.deepEqual(codeOf(await create(draft(), '')), [401, 'auth.required'])
    for (const [method, path] of [
      ['PATCH', '/x'],
      ['POST', '/x/archive'],
      ['POST', '/import'],
    ] as const)
      assert.equal((await h.call({ method, url: `/api/v1/products${path}`, body: {}, token: customer })).status, 403)
    const { id, handle } = await created({ status: 'draft' })
    assert.deepEqual(codeOf(await read(id)), [404, 'product.unknown'])
    assert.deepEqual(codeOf(await read(handle, customer)), [404, 'product.unknown'])
    assert.equal((await read(id, staff)).body.status, 'draft')
    assert.equal((await list('?status=draft')).status, 401)
    assert.equal((await list('?status=any', customer)).status, 403)
    const drafts = await list('?status=draft&limit=100', staff)
    assert.ok(drafts.body.items.some((item: { id: string }) => item.id === id))
    assert.ok(!(await list('?limit=100')).body.items.some((item: { id: string }) => item.id === id))
  })

  test('a change counts the version up, an old If-Match is refused, the same again changes nothing', async () => {
    const { id, variants } = await created()
    const changed = await patch(id, { title: 'New title', tags: ['a'] }, { 'if-match': '"1"' })
    assert.deepEqual([changed.status, changed.body.version, changed.body.title], [200, 2, 'New title'])
    assert.deepEqual(changed.body.variants, variants)
    assert.deepEqual(codeOf(await patch(id, { title: 'X' }, { 'if-match': '"1"' })), [412, 'product.version-mismatch'])
    assert.equal((await patch(id, { title: 'New title' })).body.version, 2)
    assert.deepEqual(codeOf(await patch(randomUUID(), { title: 'X' })), [404, 'product.unknown'])
    assert.deepEqual(codeOf(await patch('nonsense', { title: 'X' })), [404, 'product.unknown'])
    const replaced = await patch(id, {
      variants: [
        { sku: `NEW-${id}`, price: usd(5) },
        { ...variants[0], options: {}, title: 'Old' },
      ],
    })
    assert.equal(replaced.body.variants.length, 2)
    assert.deepEqual((await read(id)).body, replaced.body)
  })

  test('archiving takes it off sale and keeps its SKUs', async () => {
    const { id, variants } = await created()
    const archive = () => h.call({ method: 'POST', url: `/api/v1/products/${id}/archive`, token: staff })
    const archived = await archive()
    assert.deepEqual([archived.status, archived.body.status, archived.body.version], [200, 'archived', 2])
    assert.equal((await archive()).body.version, 2)
    assert.equal((await read(id)).status, 404)
    assert.deepEqual((await variantsOf(variants[0].sku)).variants, [])
    assert.deepEqual(codeOf(await create(draft({ variants }))), [409, 'product.sku-taken'])
  })

  test('handles and SKUs belong to one product, also when two want them at once', async () => {
    const first = await created()
    assert.deepEqual(codeOf(await create(draft({ handle: first.handle }))), [409, 'product.handle-taken'])
    assert.deepEqual(codeOf(await create(draft({ variants: first.variants }))), [409, 'product.sku-taken'])
    const second = await created()
    assert.deepEqual(codeOf(await patch(second.id, { handle: first.handle })), [409, 'product.handle-taken'])
    assert.deepEqual(codeOf(await patch(second.id, { variants: first.variants })), [409, 'product.sku-taken'])
    const { handle, variants } = draft()
    const racing = await Promise.all(
      Array.from({ length: 6 }, (_, index) => create(index % 2 ? draft({ handle }) : draft({ variants }))),
    )
    assert.deepEqual(racing.map(({ status }) => status).sort(), [201, 201, 409, 409, 409, 409])
  })

  test('pages do not shift while products come and change', async () => {
    const mine: string[] = []
    for (let index = 0; index < 7; index++) mine.push((await created()).id)
    const first = await list('?limit=3')
    assert.deepEqual(
      first.body.items.map(({ id }: { id: string }) => id),
      mine.toReversed().slice(0, 3),
    )
    await created()
    await patch(mine[5] ?? '', { title: 'Changed meanwhile' })
    const second = await list(`?limit=3&after=${first.body.nextCursor}`)
    assert.deepEqual(
      second.body.items.map(({ id }: { id: string }) => id),
      mine.toReversed().slice(3, 6),
    )
    const all: string[] = []
    let cursor = ''
    do {
      const page = (await list(`?limit=4${cursor && `&after=${cursor}`}`)).body
      all.push(...page.items.map(({ id }: { id: string }) => id))
      cursor = page.nextCursor ?? ''
    } while (cursor)
    const [active] = await h.database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM products WHERE status = 'active'`,
    )
    assert.deepEqual([new Set(all).size, all.length], [active?.n, active?.n])
  })

  test('search finds words, their beginnings and other forms, the best fit first, page by page', async () => {
    const word = `zanzibar${randomUUID().slice(0, 4).replaceAll(/\d/g, 'q')}`
    const inText = await created({ description: `<p>Made near ${word}.</p>` })
    const inTitle = await created({ title: `${word} kettles` })
    const inTag = await created({
      tags: [word],
      variants: [{ sku: 'KETTLE-RED', options: { Glaze: 'Oxblood' }, price: usd(1) }],
    })
    await created({ title: `${word} hidden`, status: 'draft' })
    const ids = async (q: string) =>
      (await list(`?q=${encodeURIComponent(q)}`)).body.items.map(({ id }: { id: string }) => id)
    assert.deepEqual(await ids(word), [inTitle.id, inTag.id, inText.id])
    assert.deepEqual(await ids(word.slice(0, 9).toUpperCase()), [inTitle.id, inTag.id, inText.id])
    assert.deepEqual(await ids(`${word} kettle`), [inTitle.id, inTag.id])
    assert.deepEqual(await ids(`kettle-red ${word}`), [inTag.id])
    assert.deepEqual(await ids(`${word} oxbl`), [inTag.id])
    assert.deepEqual(await ids(`${word} nowhere`), [])
    for (const odd of ['!!!', `' & | ( ) :* <->`, "'; DROP TABLE products; --", '\\', 'the']) await ids(odd)
    const seen = []
    let after = ''
    for (let page = 0; page < 3; page++) {
      const { items, nextCursor } = (await list(`?limit=1&q=${word}${after}`)).body
      seen.push(items[0].id)
      after = `&after=${nextCursor}`
      if (page === 2) assert.equal(nextCursor, null)
    }
    assert.deepEqual(seen, [inTitle.id, inTag.id, inText.id])
  })

  test('bad input is refused with a stable code and changes nothing', async () => {
    const before = await count()
    const [variant] = draft().variants
    const bodies: [unknown, number, string][] = [
      [{}, 400, 'request.invalid'],
      ['{', 400, 'request.malformed'],
      [draft({ handle: 'has blanks' }), 400, 'request.invalid'],
      [draft({ handle: '' }), 400, 'request.invalid'],
      [draft({ title: 'N\u0000L' }), 400, 'request.invalid'],
      [draft({ description: '\ud800' }), 400, 'request.invalid'],
      [draft({ title: 'x'.repeat(256) }), 400, 'request.invalid'],
      [draft({ status: 'sold' }), 400, 'request.invalid'],
      [draft({ id: randomUUID() }), 400, 'request.invalid'],
      [draft({ variants: [] }), 400, 'request.invalid'],
      [draft({ variants: [{ ...variant, price: { minor: -1, currency: 'USD' } }] }), 400, 'request.invalid'],
      [draft({ variants: [{ ...variant, price: { minor: 1.5, currency: 'USD' } }] }), 400, 'request.invalid'],
      [draft({ variants: [{ ...variant, price: 14 }] }), 400, 'request.invalid'],
      [draft({ variants: [{ ...variant, sku: 'a b' }] }), 400, 'request.invalid'],
      [draft({ variants: [{ ...variant, options: { 'A\u0000': 'x' } }] }), 400, 'request.invalid'],
      [draft({ images: [{ url: 'javascript:alert(1)' }] }), 400, 'request.invalid'],
      [draft({ images: [{ url: 'http://' }] }), 400, 'request.invalid'],
      [draft({ images: [{ url: 'http://[' }] }), 422, 'product.bad-image'],
      [draft({ variants: [variant, variant] }), 422, 'product.duplicate-sku'],
      [draft({ options: [{ name: 'Size', values: ['S'] }] }), 422, 'product.bad-options'],
    ]
    for (const [body, status, code] of bodies)
      assert.deepEqual(codeOf(await create(body)), [status, code], JSON.stringify(body).slice(0, 200))
    const { id } = await created()
    for (const body of [{}, { version: 7 }, { title: null }, { variants: [] }])
      assert.deepEqual(codeOf(await patch(id, body)), [400, 'request.invalid'], JSON.stringify(body))
    for (const query of [
      '?limit=0',
      '?limit=101',
      '?limit=x',
      '?q=%00',
      `?q=${'x'.repeat(201)}`,
      '?status=sold',
      '?sort=price',
      '?after=',
    ])
      assert.equal((await list(query)).status, 400, query)
    const cursor = (...parts: string[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
    for (const query of [
      `?after=x`,
      `?after=${cursor('x')}`,
      `?q=a&after=${cursor('NaN', id)}`,
      `?q=a&after=${cursor('0.1', 'x')}`,
      `?q=a&after=${cursor('1e-99', id)}`,
    ])
      assert.deepEqual(codeOf(await list(query)), [400, 'request.bad-cursor'], query)
    for (const unknown of ['%00', randomUUID(), 'no-such', '%F0%9F%8D%B5'])
      assert.deepEqual(codeOf(await read(unknown)), [404, 'product.unknown'])
    assert.equal(await count(), (before ?? 0) + 1)
  })

  test('an import creates, updates and leaves alone; a bad product does not stop the others', async () => {
    const [one, two, three] = [draft(), draft(), draft()]
    const taken = await created()
    assert.deepEqual(
      (
        await bringIn(
          one,
          { ...two, title: '' },
          three,
          { ...draft(), variants: taken.variants },
          { ...one, title: 'Again' },
          {},
        )
      )
        .map(({ handle, outcome, code }) => [handle, outcome, code])
        .filter(([, , code]) => code !== 'product.sku-taken'),
      [
        [one.handle, 'created', undefined],
        [two.handle, 'refused', 'product.invalid'],
        [three.handle, 'created', undefined],
        [one.handle, 'refused', 'product.handle-repeated'],
        ['', 'refused', 'product.invalid'],
      ],
    )
    const again = await bringIn(one, two, {
      ...three,
      title: 'Other title',
      variants: [{ sku: `X-${three.handle}`, price: usd(2) }],
    })
    assert.deepEqual(
      again.map(({ outcome }) => outcome),
      ['unchanged', 'created', 'updated'],
    )
    const changed = (await read(three.handle)).body
    assert.deepEqual([changed.version, changed.title, changed.variants.length], [2, 'Other title', 1])
    for (const products of [[], Array.from({ length: 101 }, () => draft()), [1], 'x'])
      assert.equal(
        (await h.call({ method: 'POST', url: '/api/v1/products/import', body: { products }, token: staff })).status,
        400,
      )
  })

  test('a hundred large products come in at once, and unchanged the second time', async () => {
    const products = Array.from({ length: 100 }, () =>
      draft({ description: `<p>${'words and more '.repeat(400)}</p>` }),
    )
    assert.ok((await bringIn(...products)).every(({ outcome }) => outcome === 'created'))
    assert.ok((await bringIn(...products)).every(({ outcome }) => outcome === 'unchanged'))
  })

  test('as many and as long options as there can be: it can be found by its SKU, and its title fits into an order line', async () => {
    const words = (from: number) =>
      Array.from({ length: 1_000 }, (_, value) =>
        Array.from({ length: 50 }, (_, index) => (from * 50_000 + value * 50 + index).toString(36)).join(' '),
      )
    const options = ['a', 'b', 'c'].map((name, index) => ({ name, values: words(index) }))
    const chosen = Object.fromEntries(options.map(({ name, values }) => [name, values[0]]))
    const product = draft({ options })
    const [variant] = product.variants
    const [result] = await bringIn({ ...product, variants: [{ ...variant, options: chosen }] })
    assert.equal(result?.outcome, 'created')
    const { items } = (await list(`?q=${variant?.sku}`)).body
    assert.equal(items[0]?.handle, product.handle)
    assert.equal(items[0]?.variants[0]?.title.length, 300)
  })

  test('what staff do is in the audit log, and what changes nothing is not', async () => {
    const userId = randomUUID()
    const token = await h.token({ userId, roles: ['staff'] })
    const call = (method: 'POST' | 'PATCH', path: string, body?: unknown) =>
      h.call({ method, url: `/api/v1/products${path}`, token, ...(body === undefined ? {} : { body }) })
    const wanted = draft()
    const { id } = (await call('POST', '', wanted)).body
    await call('PATCH', `/${id}`, { title: 'Another' })
    await call('PATCH', `/${id}`, { title: 'Another' })
    await call('POST', `/${id}/archive`)
    const imported = draft()
    for (let turn = 1; turn <= 2; turn++) await call('POST', '/import', { products: [imported, {}] })
    const { handle } = wanted
    assert.deepEqual(
      await h.database.query('SELECT action, subject, details FROM audit_log WHERE actor = $1 ORDER BY sequence', [
        userId,
      ]),
      [
        { action: 'product.created', subject: id, details: { handle, status: 'active', version: 1 } },
        { action: 'product.updated', subject: id, details: { handle, status: 'active', version: 2 } },
        { action: 'product.archived', subject: id, details: { handle, status: 'archived', version: 3 } },
        {
          action: 'product.imported',
          subject: '2 products',
          details: { created: [imported.handle], refused: 1, unchanged: 0, updated: [] },
        },
      ],
    )
  })

  test('who keeps copies hears of every change, with both handles, and of nothing that changed nothing', async () => {
    const { id, handle } = await created()
    const told = async (productId: string) => {
      const sent = (await h.outbox()).filter(({ data }) => data['productId'] === productId)
      assert.ok(sent.every(({ type }) => type === 'micromart.product.product-changed.v1'))
      return sent.map(({ data: { handles, version } }) => [version, handles])
    }
    const changedAt = h.clock.now().toISOString()
    assert.deepEqual((await h.outbox()).at(-1)?.data, { productId: id, handles: [handle], version: 1, changedAt })
    await patch(id, { handle: `${handle}-new` })
    await patch(id, { handle: `${handle}-new` })
    assert.equal((await patch(id, { title: 'x' }, { 'if-match': '"1"' })).status, 412)
    await h.call({ method: 'POST', url: `/api/v1/products/${id}/archive`, token: staff })
    const twice = [`${handle}-new`, handle]
    assert.deepEqual(await told(id), [
      [1, [handle]],
      [2, twice],
      [3, [`${handle}-new`]],
    ])
    const fresh = draft()
    await bringIn(fresh, draft({ handle: 'not a handle' }))
    const imported = (await h.outbox()).at(-1)?.data
    assert.deepEqual(imported?.['handles'], [fresh.handle])
    for (const title of [fresh.title, 'Other title']) await bringIn({ ...fresh, title })
    assert.deepEqual(await told(String(imported?.['productId'])), [
      [1, [fresh.handle]],
      [2, [fresh.handle]],
    ])
  })

  test('the same idempotency key creates once', async () => {
    const body = draft()
    const call = () =>
      h.call({
        method: 'POST',
        url: '/api/v1/products',
        body,
        token: staff,
        headers: { 'idempotency-key': body.handle },
      })
    const [first, second] = [await call(), await call()]
    assert.deepEqual([first.status, second.status, second.text], [201, 201, first.text])
  })

  test('other services find variants that are on sale', async () => {
    const sold = await created({
      title: 'Mug',
      variants: [
        { sku: `A-${randomUUID()}`, options: { Size: 'S' }, price: usd(900) },
        { sku: `B-${randomUUID()}`, options: { Size: 'L' }, price: { minor: 1_100, currency: 'EUR' } },
      ],
    })
    const plain = await created({ title: 'Bowl' })
    const hidden = await created({ status: 'draft' })
    const [small, large] = sold.variants
    const { variants } = await variantsOf(
      small.sku,
      large.sku,
      plain.variants[0].sku,
      hidden.variants[0].sku,
      'NO-SUCH',
      '\u0000',
    )
    const found = new Map(
      variants.map(({ sku, productId, title, priceMinor, currency }) => [
        sku,
        [productId, title, priceMinor, currency],
      ]),
    )
    assert.deepEqual(found.get(small.sku), [sold.id, 'Mug (S)', 900n, 'USD'])
    assert.deepEqual(found.get(large.sku), [sold.id, 'Mug (L)', 1_100n, 'EUR'])
    assert.deepEqual(found.get(plain.variants[0].sku), [plain.id, 'Bowl', 1_400n, 'USD'])
    assert.equal(found.size, 3)
    await assert.rejects(variantsOf(...Array.from({ length: 1_001 }, () => 'X')), /invalid_argument/)
  })
})
