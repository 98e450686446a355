import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '@micromart/testkit/free-ports'

/** A RabbitMQ server is called after its port and finds its data by its name: the port of a directory stays the same. */
export async function rabbitMqPort(dir: string): Promise<number> {
  const file = join(dir, 'rabbitmq-port')
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    const port = await pairOfPorts()
    writeFileSync(file, String(port))
    return port
  }
}

/** It needs the next one too. */
async function pairOfPorts(): Promise<number> {
  const ports = new Set(await freePorts(20))
  const port = [...ports].find((candidate) => ports.has(candidate + 1))
  if (port === undefined) throw new Error('No two free ports are next to each other')
  return port
}
