import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const run = promisify(execFile)
const rabbitmqctl = (...args: string[]) => run('rabbitmqctl', ['--quiet', ...args], { timeout: 60_000 })

export interface VirtualHost {
  /** `amqp://…` with the virtual host in it. */
  readonly url: string
  drop(): Promise<void>
}

/** A virtual host of its own on the server at `AMQP_URL` (or this machine's); the reason when there is none. */
export async function createVirtualHost(): Promise<VirtualHost | { readonly unavailable: string }> {
  const url = new URL(process.env['AMQP_URL'] ?? 'amqp://guest:guest@127.0.0.1:5672')
  const name = `micromart-test-${randomBytes(6).toString('hex')}`
  try {
    await rabbitmqctl('add_vhost', name)
    await rabbitmqctl('set_permissions', '-p', name, decodeURIComponent(url.username), '.*', '.*', '.*')
  } catch (error) {
    return { unavailable: `RabbitMQ cannot be used: ${String(error).split('\n')[0]}` }
  }
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: async () => void (await rabbitmqctl('delete_vhost', name)),
  }
}
