import type { Books } from './books.ts'
import { type Finding, finding } from './finding.ts'

interface StockRow {
  readonly sku: string
  readonly on_hand: number
  readonly reserved: number
}

const PROMISED = `
  SELECT line ->> 'sku' AS sku, r.status, sum((line ->> 'quantity')::bigint)::bigint AS quantity
  FROM reservations r CROSS JOIN json_array_elements(r.lines) AS line
  WHERE r.status IN ('held', 'committed') GROUP BY 1, 2`
const LEDGER = `
  SELECT sku, sum(quantity)::bigint AS total, coalesce(-sum(quantity) FILTER (WHERE kind IN ('sale', 'return')), 0)::bigint AS sold
  FROM movements GROUP BY sku`

/** I1: never oversell. Counters, ledger and reservations are three accounts of the same pieces and must agree. */
export async function checkStock(books: Books): Promise<Finding> {
  const stock = await books.read<StockRow>('inventory', 'SELECT sku, on_hand, reserved FROM stock')
  const promised = await books.read<{ sku: string; status: string; quantity: string }>('inventory', PROMISED)
  const ledger = await books.read<{ sku: string; total: string; sold: string }>('inventory', LEDGER)
  const sums = new Map(promised.map(({ sku, status, quantity }) => [`${status} ${sku}`, Number(quantity)]))
  const sumOf = (sku: string, status: string) => sums.get(`${status} ${sku}`) ?? 0
  const accounts = new Map(ledger.map(({ sku, total, sold }) => [sku, { total: Number(total), sold: Number(sold) }]))
  const violations = stock.flatMap(({ sku, on_hand, reserved }) => {
    const { total = 0, sold = 0 } = accounts.get(sku) ?? {}
    const held = sumOf(sku, 'held')
    const committed = sumOf(sku, 'committed')
    return [
      on_hand < 0 || reserved < 0 ? `${sku} has a counter below zero` : '',
      on_hand < reserved ? `${sku}: ${reserved} promised of ${on_hand}` : '',
      reserved === held ? '' : `${sku}: counter says ${reserved} promised, the holds say ${held}`,
      on_hand === total ? '' : `${sku}: counter says ${on_hand} on hand, the ledger says ${total}`,
      sold === committed ? '' : `${sku}: the ledger sold ${sold}, committed reservations say ${committed}`,
    ].filter((sentence) => sentence !== '')
  })
  return finding('I1', 'never oversold', { counts: { skus: stock.length, ledgerAccounts: ledger.length }, violations })
}
