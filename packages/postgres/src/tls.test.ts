import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { skipWithout } from '@micromart/testkit/require-server'
import { openScratchDatabase } from '@micromart/testkit/scratch-database'
import { type Certificate, certificateFor, openTlsDoor, type TlsDoor } from '@micromart/testkit/tls-door'
import { openDatabase } from './database.ts'

const [good, stranger, elsewhere] = await Promise.all(
  ['localhost', 'localhost', 'elsewhere.example'].map((host) => certificateFor(host)),
)
const made = [good, stranger, elsewhere].filter((one): one is Certificate => one !== undefined && 'ca' in one)

describe('PostgreSQL over TLS, by URL', { skip: skipWithout(good ?? {}) }, () => {
  let scratch: Awaited<ReturnType<typeof openScratchDatabase>>
  const doors: TlsDoor[] = []
  before(async () => {
    scratch = await openScratchDatabase()
  })
  after(async () => {
    await Promise.all(doors.map((door) => door.close()))
    await scratch.close()
    await Promise.all(made.map((one) => one.remove()))
  })

  /** What the server is asked over TLS with a certificate of ours. */
  const askOver = async (certificate: Certificate | undefined, parameters: string) => {
    assert.ok(certificate)
    const door = await openTlsDoor({ port: Number(new URL(scratch.url).port), certificate, afterAsking: true })
    doors.push(door)
    const url = new URL(scratch.url)
    url.host = `localhost:${door.port}`
    url.search = parameters
    const database = openDatabase({ url: url.href })
    try {
      await database.transaction(async (tx) => {
        tx.write('CREATE TEMPORARY TABLE notes (text text)', [])
        tx.write('INSERT INTO notes VALUES ($1)', ['x'.repeat(100_000)])
      })
      const session = await database.session()
      session.end()
      return door.admitted()
    } finally {
      await database.close()
    }
  }
  const [ours, theirs, others] = made

  test('works with pool, pipeline and sessions when the certificate is good', async () => {
    assert.equal(await askOver(ours, `sslmode=verify-full&sslrootcert=${ours?.caFile}`), 2)
  })

  test('is not spoken to anybody whose certificate nobody of ours has signed, or who is somebody else', async () => {
    const unknown = {
      code: /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
    }
    await assert.rejects(askOver(ours, 'sslmode=verify-full'), unknown)
    await assert.rejects(askOver(theirs, `sslmode=verify-full&sslrootcert=${ours?.caFile}`), (error: Error) =>
      /signature|certificate/i.test(error.message),
    )
    await assert.rejects(askOver(others, `sslmode=verify-full&sslrootcert=${others?.caFile}`), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })

  test('is not given up for plain text where the server has none', async () => {
    const url = new URL(scratch.url)
    url.search = 'sslmode=verify-full'
    const database = openDatabase({ url: url.href })
    await assert.rejects(database.query('SELECT 1'), /does not support SSL/)
    await database.close()
  })
})
