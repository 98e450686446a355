import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** An authority that signed one certificate for one name. */
export interface Certificate {
  /** The authority's own, in PEM and as a file: whoever trusts it trusts what it signed. */
  readonly ca: string
  readonly caFile: string
  readonly certificate: string
  readonly key: string
  remove(): Promise<void>
}

/** Made by `openssl`; the reason where there is none. */
export async function certificateFor(host: string): Promise<Certificate | { readonly unavailable: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'micromart-tls-'))
  const at = (name: string) => join(dir, name)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  try {
    await run('openssl', [
      ...[
        'req',
        '-x509',
        ...newKey,
        '-keyout',
        at('ca.key'),
        '-out',
        at('ca.crt'),
        '-days',
        '2',
        '-subj',
        '/CN=test CA',
      ],
    ])
    await run('openssl', ['req', ...newKey, '-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${host}`])
    await writeFile(at('names'), `subjectAltName=DNS:${host}`)
    await run('openssl', [
      ...['x509', '-req', '-in', at('csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial'],
      ...['-out', at('crt'), '-days', '2', '-extfile', at('names')],
    ])
  } catch (error) {
    return { unavailable: `openssl cannot be used: ${String(error).split('\n')[0]}` }
  }
  const [ca = '', certificate = '', key = ''] = await Promise.all(
    ['ca.crt', 'crt', 'key'].map((name) => readFile(at(name), 'utf8')),
  )
  return { ca, caFile: at('ca.crt'), certificate, key, remove: () => rm(dir, { recursive: true }) }
}

export interface TlsDoor {
  readonly port: number
  /** How many have come as far as to speak through it. */
  admitted(): number
  close(): Promise<void>
}

/**
 * TLS in front of a server that has none of its own here. With `afterAsking` a client first asks for it, as PostgreSQL's do
 * (https://www.postgresql.org/docs/current/protocol-flow.html, "SSL Session Encryption").
 */
export async function openTlsDoor({
  port,
  certificate: { certificate: cert, key },
  afterAsking = false,
}: {
  port: number
  certificate: Certificate
  afterAsking?: boolean
}): Promise<TlsDoor> {
  const secureContext = createSecureContext({ cert, key })
  const open = new Set<Socket>()
  let admitted = 0
  const kept = <S extends Socket>(socket: S): S => {
    open.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => open.delete(socket))
    return socket
  }
  const admit = (socket: Socket) => {
    const inside = kept(new TLSSocket(socket, { isServer: true, secureContext }))
    inside.once('secure', () => {
      admitted += 1
      const behind = kept(connect(port, '127.0.0.1'))
      inside.pipe(behind).pipe(inside)
    })
  }
  const server = createServer((socket) => {
    kept(socket)
    if (!afterAsking) return admit(socket)
    socket.once('data', () => {
      socket.write('S')
      admit(socket)
    })
  })
  await once(server.listen(0, 'localhost'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    admitted: () => admitted,
    close: async () => {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}
