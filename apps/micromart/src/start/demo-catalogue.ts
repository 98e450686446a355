import { createReadStream } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { callApi } from '../import/api-client.ts'
import { importProducts } from '../import/import-products.ts'

const CATALOGUE = fileURLToPath(import.meta.resolve('@micromart/product/demo'))
const ADMIN = { email: 'admin@micromart.test', password: 'micromart-demo' }

/** Loads the demo catalogue into a shop that has no product yet. */
export async function loadDemoCatalogue(options: { url: string; onProgress: (line: string) => void }): Promise<string> {
  const page = await callApi<{ items: unknown[] }>(options.url, { method: 'GET', path: '/api/v1/products?limit=1' })
  if (page.items.length > 0) return 'with the products of the last time'
  const { accessToken } = await callApi<{ accessToken: string }>(options.url, {
    method: 'POST',
    path: '/api/v1/auth/login',
    body: ADMIN,
  })
  const report = await importProducts({
    source: createReadStream(CATALOGUE),
    url: options.url,
    token: accessToken,
    currency: 'USD',
  })
  options.onProgress(`Demo catalogue: ${report.created + report.updated} products loaded`)
  return `with ${report.created + report.updated} demo products`
}
