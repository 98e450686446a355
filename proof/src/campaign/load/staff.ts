import { randomUUID } from 'node:crypto'
import { definite, insist } from '../../buyers.ts'
import type { Answer, Call, Shopper } from '../../shopper.ts'

/** Somebody on the shop's staff who does not give up either. */
export interface Staff {
  /** A new product with so many pieces; answers its SKU. */
  stocked(quantity: number): Promise<string>
  restock(sku: string, quantity: number): Promise<void>
  /** Signs in anew, sometimes with a slip of the finger first. @returns what is wrong with the answer */
  signIn(options: { withSlip: boolean }): Promise<string | undefined>
}

const ACCOUNT = { email: 'admin@micromart.test', password: 'micromart-demo' }

export async function openStaff(shopper: Shopper, patienceMs: number): Promise<Staff> {
  let token = ''
  const tryLogin = (password: string) =>
    insist(
      async () =>
        definite(await shopper.call({ method: 'POST', path: '/api/v1/auth/login', body: { ...ACCOUNT, password } })),
      patienceMs,
    )
  const signIn: Staff['signIn'] = async ({ withSlip }) => {
    if (withSlip) {
      const { status } = await tryLogin('not the password')
      if (status === 200) return 'a wrong password was accepted'
    }
    const answer = await tryLogin(ACCOUNT.password)
    if (answer.status !== 200) return `the staff could not sign in: ${answer.status} ${answer.body?.code ?? ''}`
    token = answer.body.accessToken
    return undefined
  }
  const call = (what: Omit<Call, 'headers'>): Promise<Answer> => {
    const headers = () => ({ authorization: `Bearer ${token}`, 'idempotency-key': key })
    const key = randomUUID()
    return insist(async () => {
      const answer = await shopper.call({ ...what, headers: headers() })
      if (answer.status === 401) await signIn({ withSlip: false })
      return answer.status === 401 ? undefined : definite(answer)
    }, patienceMs)
  }
  const done = async (what: Omit<Call, 'headers'>) => {
    const { status, text } = await call(what)
    // without an idempotent answer a repeated creation finds what the first one has made
    if (status >= 400 && status !== 409) throw new Error(`${what.path} was answered ${status}: ${text}`)
  }
  const problem = await signIn({ withSlip: false })
  if (problem) throw new Error(problem)
  return {
    signIn,
    restock: (sku, quantity) =>
      done({
        method: 'POST',
        path: `/api/v1/inventory/${sku}/adjustments`,
        body: { quantity, reason: 'a delivery has come' },
      }),
    stocked: async (quantity) => {
      const sku = `CAMPAIGN-${randomUUID().slice(0, 12).toUpperCase()}`
      const variants = [{ sku, price: { minor: 1250, currency: 'USD' } }]
      await done({
        method: 'POST',
        path: '/api/v1/products',
        body: { handle: sku.toLowerCase(), title: sku, variants },
      })
      const items = [{ sku, quantity }]
      await done({ method: 'POST', path: '/api/v1/inventory/opening-stock', body: { items } })
      return sku
    },
  }
}
