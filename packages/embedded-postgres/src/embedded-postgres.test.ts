import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'
import { readPostmasterFile } from './postmaster-file.ts'

const holdServer = fileURLToPath(new URL('../test/hold-server.ts', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'micromart-postgres-'))
const children: ChildProcess[] = []
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

let directories = 0
const newDataDir = () => join(root, `data-${++directories}`)
const withCode = (code: string) => (error: unknown) => error instanceof EmbeddedPostgresError && error.code === code

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

async function holdInChild(dataDir: string): Promise<{ child: ChildProcess; serverPid: number }> {
  const child = spawn(process.execPath, [holdServer, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = await once(child.stdout ?? assert.fail('no output'), 'data')
  return { child, serverPid: Number(String(line)) }
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal)
  await once(child, 'exit')
}

describe('embedded PostgreSQL', () => {
  test('starts, answers in UTF-8 as superuser, stops twice and keeps its data', async () => {
    const dataDir = newDataDir()
    const told: string[] = []
    const first = await startEmbeddedPostgres({ dataDir, onProgress: (line) => told.push(line) })
    await query(first.url, "CREATE TABLE kept AS SELECT 'ÄRGER' AS word")
    assert.deepEqual(await query(first.url, 'SELECT current_user, lower(word) FROM kept'), ['postgres', 'ärger'])
    assert.deepEqual(await query(first.url, 'SHOW server_encoding'), ['UTF8'])
    await Promise.all([first.stop(), first.stop()])
    await first.stop()
    assert.deepEqual(await first.exited, { code: 0 })
    assert.equal(told.length, 1)

    const second = await startEmbeddedPostgres({
      dataDir,
      settings: { work_mem: '3MB' },
      onProgress: (line) => told.push(line),
    })
    assert.deepEqual(await query(second.url, 'SELECT word FROM kept'), ['ÄRGER'])
    assert.deepEqual(await query(second.url, 'SHOW work_mem'), ['3MB'])
    assert.deepEqual(await query(second.url, 'SHOW fsync'), ['on'])
    await second.stop()
    assert.equal(told.length, 1)

    const third = await startEmbeddedPostgres({ dataDir, fresh: true })
    await assert.rejects(query(third.url, 'SELECT word FROM kept'), { code: '42P01' })
    await third.stop()
  })

  test('asks for the password and listens on loopback only', async () => {
    const dataDir = newDataDir()
    const server = await startEmbeddedPostgres({ dataDir })
    const wrong = new URL(server.url)
    wrong.password = 'wrong'
    await assert.rejects(query(wrong.href, 'SELECT 1'), { code: '28P01' })
    assert.deepEqual(await query(server.url, 'SHOW listen_addresses'), ['127.0.0.1'])
    assert.equal(statSync(join(dataDir, 'password')).mode & 0o777, 0o600)
    await server.stop()
  })

  test('takes over after kill -9 of the owner, with every committed row', async () => {
    const dataDir = newDataDir()
    const { child, serverPid } = await holdInChild(dataDir)
    const password = readFileSync(join(dataDir, 'password'), 'utf8').trim()
    const port = readFileSync(join(dataDir, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[3]
    await query(`postgres://postgres:${password}@127.0.0.1:${port}/postgres`, 'CREATE TABLE kept AS SELECT 7 AS n')
    await kill(child, 'SIGKILL')

    const server = await startEmbeddedPostgres({ dataDir })
    assert.notEqual(server.pid, serverPid)
    assert.deepEqual(await query(server.url, 'SELECT n FROM kept'), [7])
    await server.stop()
  })

  test('recovers when the owner and the server were both killed', async () => {
    const dataDir = newDataDir()
    const { child, serverPid } = await holdInChild(dataDir)
    await kill(child, 'SIGKILL')
    process.kill(serverPid, 'SIGKILL')
    const server = await startEmbeddedPostgres({ dataDir })
    assert.deepEqual(await query(server.url, 'SELECT 1'), [1])
    await server.stop()
  })

  test('leaves another program alone that got the pid of a stale file', async () => {
    const dataDir = newDataDir()
    const { child, serverPid } = await holdInChild(dataDir)
    await kill(child, 'SIGKILL')
    process.kill(serverPid, 'SIGKILL')
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    children.push(bystander)
    const file = join(dataDir, 'cluster', 'postmaster.pid')
    const [, ...rest] = readFileSync(file, 'utf8').split('\n')
    writeFileSync(file, [bystander.pid, ...rest].join('\n'))

    const server = await startEmbeddedPostgres({ dataDir })
    assert.deepEqual([bystander.exitCode, bystander.signalCode], [null, null])
    assert.equal(readPostmasterFile(join(dataDir, 'cluster'))?.pid, server.pid)
    await server.stop()
  })

  test('refuses a second live owner, here and in another process, and frees the directory at the end', async () => {
    const dataDir = newDataDir()
    const { child } = await holdInChild(dataDir)
    await assert.rejects(startEmbeddedPostgres({ dataDir, fresh: true }), withCode('postgres.in-use'))
    await kill(child, 'SIGTERM')
    const server = await startEmbeddedPostgres({ dataDir })
    await assert.rejects(startEmbeddedPostgres({ dataDir }), withCode('postgres.in-use'))
    await server.stop()
    const next = await startEmbeddedPostgres({ dataDir })
    await next.stop()
  })

  test('tells when the server ends by itself, and can be started again', async () => {
    const dataDir = newDataDir()
    const server = await startEmbeddedPostgres({ dataDir })
    process.kill(server.pid, 'SIGKILL')
    assert.deepEqual(await server.exited, { code: null })
    await server.stop()
    const next = await startEmbeddedPostgres({ dataDir })
    await next.stop()
  })
})

describe('embedded PostgreSQL refuses with a stable code', () => {
  test('a port that is taken', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const address = taken.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const dataDir = newDataDir()
    await assert.rejects(startEmbeddedPostgres({ dataDir, port }), withCode('postgres.port-in-use'))
    taken.close()
    await once(taken, 'close')
    const server = await startEmbeddedPostgres({ dataDir, port })
    assert.equal(server.port, port)
    await server.stop()
  })

  test('a data directory that is a file', async () => {
    const dataDir = newDataDir()
    writeFileSync(dataDir, '')
    await assert.rejects(startEmbeddedPostgres({ dataDir }), withCode('postgres.data-dir-unusable'))
  })

  test('a cluster of another version, and a cluster without its password', async () => {
    const dataDir = newDataDir()
    mkdirSync(join(dataDir, 'cluster'), { recursive: true })
    await assert.rejects(startEmbeddedPostgres({ dataDir }), withCode('postgres.data-dir-unusable'))
    writeFileSync(join(dataDir, 'cluster', 'PG_VERSION'), '9\n')
    await assert.rejects(startEmbeddedPostgres({ dataDir }), withCode('postgres.incompatible-data'))
  })

  test('a setting that PostgreSQL does not know, with nothing half-made left', async () => {
    const dataDir = newDataDir()
    await assert.rejects(
      startEmbeddedPostgres({ dataDir, settings: { nonsense: '1' } }),
      withCode('postgres.start-failed'),
    )
    assert.equal(existsSync(join(dataDir, 'owner')), false)
    assert.deepEqual(
      readdirSync(dataDir).filter((name) => name.startsWith('cluster.new')),
      [],
    )
    const server = await startEmbeddedPostgres({ dataDir })
    await server.stop()
  })
})
