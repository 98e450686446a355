import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kitProblem } from '@micromart/http-kit/problem'
import { packedWhole } from './compression/packed-whole.ts'
import type { Page } from './gateway.ts'

const SWAGGER_UI = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')))

/** The files of the API page: served from here, so that it works without internet. */
const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

const START_SCRIPT = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, tryItOutEnabled: true })`

const DOCS_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>MicroMart API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`

const CONTENT_SECURITY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'"

const send = (response: ServerResponse, type: string, body: string | Buffer) =>
  void response
    .writeHead(response.statusCode, {
      'content-type': type,
      'content-security-policy': CONTENT_SECURITY,
      'x-content-type-options': 'nosniff',
    })
    .end(body)

const sendJson = (response: ServerResponse, body: object) =>
  send(response, 'application/json; charset=utf-8', JSON.stringify(body))

/** What the gateway answers itself: health, the merged API document and the page that shows it. */
export function gatewayPages(parts: {
  openApi: () => Promise<object>
  readiness: () => Promise<Readonly<Record<string, string>>>
  /** Whether the routes are those of the routes file as it is now. */
  routes: () => 'current' | 'outdated'
  /** True once it was told to end. */
  leaving: () => boolean
}): ReadonlyMap<string, Page> {
  const sendAsset = assetSender()
  return new Map<string, Page>([
    [
      '/',
      (_request, response) =>
        sendJson(response, { name: 'MicroMart', api: '/docs', openapi: '/openapi.json', health: '/health' }),
    ],
    ['/health', (_request, response) => sendJson(response, { status: 'up' })],
    [
      '/ready',
      async (_request, response) => {
        const leaving = parts.leaving()
        const upstreams = await parts.readiness()
        const body = { status: leaving ? 'leaving' : 'up', routes: parts.routes(), upstreams }
        response.statusCode = leaving ? 503 : 200
        sendJson(response, body)
      },
    ],
    ['/openapi.json', async (_request, response) => sendJson(response, await parts.openApi())],
    ['/docs', (_request, response) => send(response, 'text/html; charset=utf-8', DOCS_PAGE)],
    ['/docs/start.js', (_request, response) => send(response, 'text/javascript; charset=utf-8', START_SCRIPT)],
    [
      '/docs/',
      (request, response) =>
        sendAsset((request.url ?? '').split('?', 1)[0]?.slice('/docs/'.length) ?? '', { request, response }),
    ],
  ])
}

/** Each file is read once, and packed once: it is large, and many may ask for it at the same time. */
function assetSender() {
  const loaded = new Map<string, Promise<ReturnType<typeof packedWhole>>>()
  const load = (name: string) => readFile(join(SWAGGER_UI, name)).then(packedWhole)
  return async (name: string, { request, response }: { request: IncomingMessage; response: ServerResponse }) => {
    const type = Object.hasOwn(assets, name) ? assets[name] : undefined
    if (!type) throw kitProblem('route.unknown', 'There is nothing at this address')
    const asset = loaded.get(name) ?? load(name)
    loaded.set(name, asset)
    const isText = !type.startsWith('image/')
    const { body, encoding } = await (await asset)(isText ? request.headers['accept-encoding'] : undefined)
    response.setHeader('cache-control', 'public, max-age=86400')
    if (isText) response.appendHeader('vary', 'Accept-Encoding')
    if (encoding) response.setHeader('content-encoding', encoding)
    send(response, type, body)
  }
}
