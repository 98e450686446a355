import type { Permission } from '@micromart/contracts/permissions'
import type { Access } from '@micromart/http-kit/identity'
import type { ServiceName } from '@micromart/service-kit/service'
import type { CacheRule } from './cache/cache-rule.ts'
import type { RouteLimit } from './rate-limit/policies.ts'

/** One public operation: which service answers it, and who may call it. */
export interface Route {
  readonly method: string
  /** `:name` stands for one segment. */
  readonly path: string
  readonly service: ServiceName
  readonly access: Access
  /** Longest request body in bytes, no more than the service takes: one that answers while it is still sent may not be heard. */
  readonly bodyLimit: number
  /** How long the service may take, in ms. */
  readonly deadlineMs: number
  /** Its answer lasts: no deadline, and connections and a limit of its own; ended when the gateway is told to end. */
  readonly isStream?: true
  /** It is a WebSocket: the deadline is for the handshake alone, and anything but a handshake is refused. */
  readonly isWebSocket?: true
  /** For a read whose answer is the same for everybody who has no permissions. */
  readonly cache?: CacheRule
  /** For a write: the tags of what it may change. */
  readonly empties?: readonly string[]
  /** What it counts on its own, beside the general limit of whoever asks: see rate-limit/policies.ts. */
  readonly limit?: RouteLimit
}

const KIB = 1024
/** What a route has that says nothing else. */
export const routeDefaults = { access: 'public', bodyLimit: 256 * KIB, deadlineMs: 10_000 } as const

const to = (
  service: ServiceName,
  ...lines: readonly (readonly [methodAndPath: string, options?: Partial<Route>])[]
): readonly Route[] =>
  lines.map(([methodAndPath, options]) => {
    const [method = '', path = ''] = methodAndPath.split(' ')
    return { ...routeDefaults, ...options, method, path, service }
  })

/** Products change by events, which empty the cache; the times are for when one does not come. */
const keptProducts = { maxAgeS: 15, staleS: 60, staleIfErrorS: 600 }
const productPage: CacheRule = { ...keptProducts, tags: ['catalogue', 'product-lists'], query: ['after', 'limit', 'q'] }
const oneProduct: CacheRule = { ...keptProducts, tags: ['catalogue', 'product/:idOrHandle'], query: [] }
const changesProducts = { empties: ['catalogue'] }
/** Nobody says when it changes, so it is not kept; many who ask at once are one question. */
const askedOnce: CacheRule = { maxAgeS: 0, staleS: 0, staleIfErrorS: 0, tags: [], query: [] }

const signedIn = { access: 'signed-in' } as const
const needs = <P extends Permission>(permission: P) => ({ access: permission })

/** Everything that can be reached from outside. What is not in it does not exist. */
export const routes: readonly Route[] = [
  ...to(
    'user',
    ['POST /api/v1/auth/register', { limit: 'register' }],
    ['POST /api/v1/auth/login', { limit: 'sign-in' }],
    ['POST /api/v1/auth/login/second-factor', { limit: 'sign-in' }],
    ['POST /api/v1/auth/login/provider', { limit: 'sign-in' }],
    ['GET /api/v1/auth/oidc'],
    ['GET /api/v1/auth/oidc/:provider', { limit: 'sign-in' }],
    ['GET /api/v1/auth/oidc/:provider/callback', { deadlineMs: 20_000 }],
    ['GET /api/v1/users/me/second-factor', signedIn],
    ['POST /api/v1/users/me/second-factor/totp', signedIn],
    ['POST /api/v1/users/me/second-factor/totp/confirm', signedIn],
    ['POST /api/v1/users/me/second-factor/recovery-codes', signedIn],
    ['POST /api/v1/users/me/second-factor/remove', signedIn],
    ['GET /api/v1/users/me/identities', signedIn],
    ['POST /api/v1/users/me/identities', signedIn],
    ['POST /api/v1/users/me/identities/complete', signedIn],
    ['DELETE /api/v1/users/me/identities/:id', signedIn],
    ['POST /api/v1/auth/refresh', { limit: 'refresh' }],
    ['POST /api/v1/auth/logout'],
    ['POST /api/v1/auth/logout-everywhere', signedIn],
    ['GET /api/v1/auth/jwks'],
    ['GET /.well-known/jwks.json'],
    ['POST /api/v1/auth/password-resets', { limit: 'password-reset' }],
    ['POST /api/v1/auth/password-resets/confirm', { limit: 'account' }],
    ['POST /api/v1/auth/erasure-requests', { limit: 'password-reset' }],
    ['POST /api/v1/auth/erasure-requests/confirm', { limit: 'account' }],
    ['POST /api/v1/auth/email-verifications/confirm', { limit: 'account' }],
    ['POST /api/v1/auth/email-changes/confirm', { limit: 'account' }],
    ['GET /api/v1/users/me', signedIn],
    ['GET /api/v1/users/me/sessions', signedIn],
    ['DELETE /api/v1/users/me/sessions/:id', signedIn],
    ['POST /api/v1/users/me/reauthentication', { ...signedIn, limit: 'account' }],
    ['PATCH /api/v1/users/me', signedIn],
    ['POST /api/v1/users/me/password', { ...signedIn, limit: 'account' }],
    ['POST /api/v1/users/me/email', { ...signedIn, limit: 'account' }],
    ['POST /api/v1/users/me/email-verification', { ...signedIn, limit: 'account' }],
    ['POST /api/v1/users/me/close', { ...signedIn, limit: 'account' }],
    ['POST /api/v1/users/me/exports', { ...signedIn, limit: 'account' }],
    ['GET /api/v1/users/me/exports/:id', signedIn],
    ['GET /api/v1/users/me/exports/:id/document', signedIn],
    ['POST /api/v1/users/me/erasure', { ...signedIn, limit: 'account' }],
    ['GET /api/v1/erasure-receipts/:token', { limit: 'account' }],
    ['GET /api/v1/users/me/addresses', signedIn],
    ['POST /api/v1/users/me/addresses', signedIn],
    ['GET /api/v1/users/me/addresses/:id', signedIn],
    ['PUT /api/v1/users/me/addresses/:id', signedIn],
    ['DELETE /api/v1/users/me/addresses/:id', signedIn],
    ['PUT /api/v1/users/:id/roles', needs('roles:write')],
    ['DELETE /api/v1/users/:id/sessions', needs('sessions:write')],
    ['POST /api/v1/users/:id/erasure', needs('people:erase')],
    ['GET /api/v1/users/me/security-log', signedIn],
    ['GET /api/v1/security-log', needs('security-log:read')],
    ['GET /api/v1/api-keys', needs('api-keys:write')],
    ['POST /api/v1/api-keys', needs('api-keys:write')],
    ['DELETE /api/v1/api-keys/:id', needs('api-keys:write')],
    ['POST /api/v1/auth/token', { limit: 'sign-in' }],
    ['GET /api/v1/signing-keys', needs('signing-keys:write')],
    ['POST /api/v1/signing-keys/rotate', needs('signing-keys:write')],
  ),
  ...to(
    'product',
    ['GET /api/v1/products', { cache: productPage }],
    ['POST /api/v1/products', { ...needs('catalogue:write'), ...changesProducts }],
    [
      'POST /api/v1/products/import',
      {
        ...needs('catalogue:write'),
        ...changesProducts,
        bodyLimit: 8 * KIB * KIB,
        deadlineMs: 30_000,
        limit: 'import',
      },
    ],
    ['GET /api/v1/products/:idOrHandle', { cache: oneProduct }],
    ['PATCH /api/v1/products/:idOrHandle', { ...needs('catalogue:write'), ...changesProducts }],
    ['POST /api/v1/products/:idOrHandle/archive', { ...needs('catalogue:write'), ...changesProducts }],
  ),
  ...to(
    'inventory',
    ['POST /api/v1/inventory/opening-stock', { ...needs('stock:write'), deadlineMs: 30_000, limit: 'import' }],
    ['GET /api/v1/inventory/:sku', { cache: askedOnce }],
    ['GET /api/v1/inventory/:sku/movements', needs('stock:read')],
    ['POST /api/v1/inventory/:sku/adjustments', needs('stock:write')],
  ),
  ...to(
    'cart',
    ['POST /api/v1/carts', { limit: 'new-cart' }],
    ['GET /api/v1/carts/:id'],
    ['POST /api/v1/carts/:id/items'],
    ['PATCH /api/v1/carts/:id/items/:lineId'],
    ['DELETE /api/v1/carts/:id/items/:lineId'],
    ['PUT /api/v1/carts/:id/coupon'],
    ['DELETE /api/v1/carts/:id/coupon'],
    ['POST /api/v1/carts/:id/checkout', { limit: 'checkout' }],
    ['GET /api/v1/coupons', needs('coupons:read')],
    ['POST /api/v1/coupons', needs('coupons:write')],
    ['GET /api/v1/coupons/:code', needs('coupons:read')],
    ['PATCH /api/v1/coupons/:code', needs('coupons:write')],
  ),
  ...to(
    'order',
    ['GET /api/v1/orders', signedIn],
    ['GET /api/v1/orders/:id'],
    ['GET /api/v1/orders/:id/timeline'],
    ['GET /api/v1/orders/:id/events', { isStream: true, deadlineMs: Number.POSITIVE_INFINITY }],
    ['POST /api/v1/orders/:id/cancel'],
  ),
  ...to(
    'payment',
    ['GET /api/v1/payments/:orderId', needs('payments:read')],
    ['POST /api/v1/payments/webhooks/sandbox', { bodyLimit: 64 * KIB }],
    ['GET /api/v1/payments/sandbox/actions/:reference'],
    ['POST /api/v1/payments/sandbox/actions/:reference', { bodyLimit: KIB }],
  ),
  ...to('notification', ['GET /api/v1/mailbox'], ['GET /mailbox']),
  ...to('analytics', ['GET /api/v1/analytics/sales', needs('sales:read')]),
]
