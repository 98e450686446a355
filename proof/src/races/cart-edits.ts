import type { GuestCart } from '../shopper.ts'
import type { Race } from './race.ts'
import { atOnce, eventually, expectStatus, type Scene } from './scene.ts'
import type { Tally } from './tally.ts'

const LINES = 50
const EDITORS = 20

export const cartEdits: Race = {
  name: 'cart-edits',
  fault: 'a cart loses lines when it is changed in parallel',
  done: `${LINES} SKUs are added to one cart at once; then ${EDITORS} editors at once each read the cart, add one piece to the same line under If-Match, and try again when refused`,
  holds: `${LINES} lines and their total; each refusal is a 412 cart.version-mismatch; the line has exactly ${EDITORS} pieces more`,
  rounds: 3,
  shop: 'any',
  run: async (scene, tally) => {
    const skus = await atOnce(LINES, () => scene.keeper.stocked(1))
    const cart = await scene.shopper.newCart()
    const answers = await Promise.all(skus.map((sku) => scene.shopper.add(cart, sku, 1)))
    for (const { status, text } of answers) tally.must(status === 201, `adding a line was answered ${status} ${text}`)
    const full = await read(scene, cart)
    const present = new Set(full.body.lines.map(({ sku }: { sku: string }) => sku))
    tally.count('lines added', LINES)
    tally.count('lines there', present.size)
    tally.must(present.size === LINES, `${LINES - present.size} of ${LINES} lines are lost`)
    tally.must(full.body.total.minor === LINES * 1250, `${LINES} lines make ${full.body.total.minor}`)
    const lineId = full.body.lines[0]?.id
    await atOnce(EDITORS, () => addOnePiece(scene, tally, { cart, lineId }))
    const after = await read(scene, cart)
    tally.must(
      after.body.lines[0]?.quantity === 1 + EDITORS,
      `${EDITORS} more pieces make ${after.body.lines[0]?.quantity}`,
    )
    tally.must(
      after.body.version === full.body.version + EDITORS,
      `${EDITORS} edits made version ${after.body.version}`,
    )
  },
}

const read = async ({ shopper }: Scene, { id, token }: GuestCart) =>
  expectStatus(
    200,
    await shopper.call({ method: 'GET', path: `/api/v1/carts/${id}`, headers: { 'cart-token': token } }),
  )

/** Reads, changes and writes, as a page does; somebody else's change in between is noticed. */
const addOnePiece = (scene: Scene, tally: Tally, { cart, lineId }: { cart: GuestCart; lineId: string }) =>
  eventually('an edit of the cart', async () => {
    const { body, headers } = await read(scene, cart)
    const line = body.lines.find(({ id }: { id: string }) => id === lineId)
    const answer = await scene.shopper.call({
      method: 'PATCH',
      path: `/api/v1/carts/${cart.id}/items/${lineId}`,
      headers: { 'cart-token': cart.token, 'if-match': String(headers['etag']) },
      body: { quantity: line.quantity + 1 },
    })
    if (answer.status === 200) return true
    tally.count('conflicts')
    tally.must(answer.body?.code === 'cart.version-mismatch', `an edit was answered ${answer.status} ${answer.text}`)
    return false
  })
