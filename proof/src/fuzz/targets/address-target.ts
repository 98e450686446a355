import { createRouter, targetFault } from '@micromart/gateway/router'
import { routes } from '@micromart/gateway/routes'
import { mutate, noise } from '../mutate.ts'
import type { FuzzTarget } from '../target.ts'

const words = [
  '/',
  '//',
  '/../',
  '/./',
  '..',
  '%2e',
  '%2E%2e',
  '%2f',
  '%5c',
  '\\',
  '%00',
  ';',
  '?',
  '#',
  '%',
  'api',
  '%252e',
]
const addresses = [
  ...new Set(routes.map(({ path }) => path.replaceAll(/:\w+/g, '0193-a1'))),
  '/api/v1/inventory/A%2FB/movements',
  '/api/v1/products?q=a%20b&limit=2',
]

/** Read by a second reader, the URL of the platform: both must see the same path. */
export const addressTarget: FuzzTarget = {
  name: 'address',
  what: 'request targets through check and router; a fault is a crash, or an address that somebody behind could read as another one',
  open: () => {
    const route = createRouter(routes)
    return {
      input: (random) => (random.chance(0.95) ? mutate(random, random.pick(addresses), words) : `/${noise(random)}`),
      run: (input) => {
        const [path = '/'] = input.split('?', 1)
        if (targetFault(input, path) !== undefined || route('GET', path) === undefined) return 'refused'
        const complaint = complaintAbout(input, path)
        if (complaint !== undefined) throw new Error(complaint)
        return 'accepted'
      },
    }
  },
}

function complaintAbout(target: string, path: string): string | undefined {
  const seen = new URL(target, 'http://shop.test')
  if (seen.host !== 'shop.test') return `leads to ${seen.host}`
  if (seen.pathname !== path) return `others read ${seen.pathname}`
  if (path.startsWith('/api/v1/inventory/')) return undefined // a SKU may hold slashes
  const segments = path.split('/').map(decoded)
  const isTricky = segments.some(
    (segment) => ['.', '..'].includes(segment) || /[/\\]/.test(segment) || segment.includes('\0'),
  )
  return isTricky ? `decodes to ${segments.join(' | ')}` : undefined
}

/** What a careless reader behind the gateway would make of a segment. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
