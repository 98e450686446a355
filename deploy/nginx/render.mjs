// Writes nginx.conf from its template and environment variables to standard output: `node render.mjs > nginx.conf`.
import { readFileSync } from 'node:fs'

const defaults = {
  USER: 'www-data',
  WORKERS: 'auto',
  STATE_DIR: '/var/lib/nginx',
  ERROR_LOG: 'stderr',
  ACCESS_LOG: '/dev/stdout',
  MIME_TYPES: '/etc/nginx/mime.types',
  HTTP_LISTEN: '80',
  HTTPS_LISTEN: '443',
  SERVER_NAME: 'localhost',
  CERTIFICATE: '/etc/nginx/tls/tls.crt',
  CERTIFICATE_KEY: '/etc/nginx/tls/tls.key',
  GATEWAYS: '127.0.0.1:3000',
  STOREFRONT_ROOT: '/usr/share/nginx/html',
  REQUESTS_PER_SECOND: '50',
  BURST: '100',
  CONNECTIONS: '100',
  BODY_LIMIT: '9m',
  HEADER_TIMEOUT: '10s',
  BODY_TIMEOUT: '10s',
}

const values = Object.fromEntries(Object.keys(defaults).map((name) => [name, process.env[name] || defaults[name]]))
const strange = Object.keys(values).filter((name) => !/^[\w./:,[\]@%+-]+$/.test(values[name]))
if (strange.length > 0) {
  process.stderr.write(`These have characters that no value here needs: ${strange.join(', ')}\n`)
  process.exit(1)
}
values.GATEWAY_SERVERS = values.GATEWAYS.split(',')
  .map((gateway) => `        server ${gateway} max_fails=1 fail_timeout=2s;`)
  .join('\n')

const template = readFileSync(new URL('nginx.conf.template', import.meta.url), 'utf8')
process.stdout.write(template.replaceAll(/\$\{([A-Z_]+)\}/g, (whole, name) => values[name] ?? whole))
