import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { OrderConfirmed } from '@micromart/contracts/order'
import { PasswordResetRequested } from '@micromart/contracts/user'
import { startServiceForTest } from '@micromart/testkit/service-harness'
import { until } from '@micromart/testkit/until'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { notification } from '../src/main.ts'
import { startContactServer } from './contact-server.ts'
import { confirmed } from './order-messages.ts'

interface Received {
  readonly recipients: readonly string[]
  readonly raw: string
}

/** A real SMTP server on a free port; `options` decide how it misbehaves. */
async function startSmtp(t: TestContext, options: SMTPServerOptions = {}) {
  const received: Received[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    hideSMTPUTF8: false,
    onAuth: ({ username, password }, _session, done) =>
      username === 'shop' && password === 'p@ss word' ? done(null, { user: username }) : done(new Error('wrong')),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk) => chunks.push(chunk))
      stream.on('end', () => {
        received.push({
          recipients: session.envelope.rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString(),
        })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => {}) // connections that are cut on purpose
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sockets = new Set<Socket>()
  server.server.on('connection', (socket) => sockets.add(socket))
  const { port } = server.server.address() as AddressInfo
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  t.after(close)
  return { received, port, cut, close }
}

async function startShop(t: TestContext, smtpUrl: string) {
  const contacts = await startContactServer()
  const h = await startServiceForTest(notification, {
    env: { ...contacts.env, MAIL_URL: smtpUrl, MAIL_FROM: 'shop@example.org' },
  })
  t.after(async () => {
    await h.close()
    await contacts.close()
  })
  return {
    ...h,
    confirm: async (person: { name: string; email: string }) => {
      const orderId = randomUUID()
      contacts.orders.set(orderId, person)
      await h.deliver(OrderConfirmed, confirmed(orderId))
      return orderId
    },
    /** Has a link to set a new password mailed. */
    reset: async (mail: { name: string; email: string; link: string; expiresAt: string }) => {
      const linkId = randomUUID()
      contacts.mails.set(`reset-password ${linkId}`, mail)
      await h.deliver(PasswordResetRequested, { userId: randomUUID(), linkId })
      return linkId
    },
    accountEmails: () => h.database.query('SELECT status, reason, handovers FROM account_emails'),
    emails: () =>
      h.database.query<{ status: string; reason: string | null; handovers: number }>(
        'SELECT status, reason, handovers FROM emails',
      ),
    /** Resolves with what is recorded of a try that failed. */
    failure: () =>
      until(
        async () =>
          (
            await h.database.query<{ last_error: string }>('SELECT last_error FROM timers WHERE last_error IS NOT NULL')
          )[0]?.last_error,
        { what: 'a try has failed' },
      ),
  }
}

/** The header lines of a mail, unfolded (RFC 5322, section 2.2.3). */
const headersOf = (raw: string) =>
  raw
    .slice(0, raw.indexOf('\r\n\r\n'))
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n')
const messageIdOf = (raw: string) => headersOf(raw).find((line) => line.startsWith('Message-ID: '))

test('a mail goes out by SMTP, signed in, with both forms and a Message-ID that names it', async (t) => {
  const smtp = await startSmtp(t, { authOptional: false })
  const shop = await startShop(t, `smtp://shop:${encodeURIComponent('p@ss word')}@127.0.0.1:${smtp.port}`)
  const orderId = await shop.confirm({ name: 'Åsa Öberg', email: 'asa@example.com' })
  await shop.runTimers()
  assert.equal(smtp.received.length, 1)
  const { recipients, raw } = smtp.received[0] ?? { recipients: [], raw: '' }
  assert.deepEqual(recipients, ['asa@example.com'])
  assert.equal(messageIdOf(raw), `Message-ID: <order-confirmed.${orderId}@example.org>`)
  for (const line of [
    'From: MicroMart <shop@example.org>',
    'Date: Sat, 21 Nov 2026 12:00:00 +0000',
    'Auto-Submitted: auto-generated',
  ])
    assert.ok(headersOf(raw).includes(line), line)
  assert.match(raw, /text\/plain[\s\S]*text\/html/)
  assert.deepEqual(await shop.emails(), [{ status: 'sent', reason: null, handovers: 1 }])
  assert.equal((await shop.call({ method: 'GET', url: '/mailbox' })).status, 404)
})

test('a mail server that fails is tried again until it takes the mail, and the record names nobody', async (t) => {
  let failures = 2
  const smtp = await startSmtp(t, {
    onRcptTo: ({ address }, _session, done) => {
      if (failures-- > 0) return done(Object.assign(new Error(`${address} has to wait`), { responseCode: 451 }))
      done()
    },
  })
  const shop = await startShop(t, `smtp://127.0.0.1:${smtp.port}`)
  await shop.confirm({ name: 'Ada', email: 'ada@example.com' })
  const failure = await shop.failure()
  assert.match(failure, /EENVELOPE 451 RCPT TO/)
  assert.ok(!failure.includes('ada@example.com'))
  await until(
    async () => {
      shop.clock.advance(60_000)
      return (await shop.emails())[0]?.status === 'sent'
    },
    { what: 'the mail is sent' },
  )
  assert.equal(smtp.received.length, 1)
  assert.deepEqual(await shop.emails(), [{ status: 'sent', reason: null, handovers: 1 }])
})

test('a mail server that is not there is waited for', async (t) => {
  const gone = await startSmtp(t)
  await gone.close()
  const shop = await startShop(t, `smtp://127.0.0.1:${gone.port}`)
  await shop.confirm({ name: 'Ada', email: 'ada@example.com' })
  await shop.failure()
  assert.deepEqual(await shop.emails(), [{ status: 'waiting', reason: null, handovers: 0 }])
})

test('a mail that was cut off at its end may have gone: the repeat is counted and has the same Message-ID', async (t) => {
  const messageIds: (string | undefined)[] = []
  const smtp = await startSmtp(t, {
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk) => chunks.push(chunk))
      stream.on('end', () => {
        messageIds.push(messageIdOf(Buffer.concat(chunks).toString()))
        if (messageIds.length > 1) return done()
        smtp.cut()
      })
    },
  })
  const shop = await startShop(t, `smtp://127.0.0.1:${smtp.port}`)
  await shop.confirm({ name: 'Ada', email: 'ada@example.com' })
  await shop.failure()
  shop.clock.advance(60_000)
  await shop.runTimers()
  assert.equal(messageIds.length, 2)
  assert.ok(messageIds[0])
  assert.equal(messageIds[0], messageIds[1])
  assert.deepEqual(await shop.emails(), [{ status: 'sent', reason: null, handovers: 2 }])
})

test('a mailbox that does not exist is undeliverable; a server that does not want us is not', async (t) => {
  const smtp = await startSmtp(t, {
    onRcptTo: ({ address }, _session, done) => {
      const text = address.startsWith('nobody') ? '5.1.1 no such user' : '5.7.1 relaying denied'
      done(Object.assign(new Error(text), { responseCode: 550 }))
    },
  })
  const shop = await startShop(t, `smtp://127.0.0.1:${smtp.port}`)
  await shop.confirm({ name: 'Ada', email: 'nobody@example.com' })
  await shop.runTimers()
  assert.deepEqual(await shop.emails(), [{ status: 'undeliverable', reason: 'recipient-refused', handovers: 0 }])
  await shop.confirm({ name: 'Ada', email: 'ada@example.com' })
  assert.match(await shop.failure(), /EENVELOPE 550/)
})

test('line breaks in a name or an address add no header and no recipient', async (t) => {
  const smtp = await startSmtp(t)
  const shop = await startShop(t, `smtp://127.0.0.1:${smtp.port}`)
  const names = [
    'Ada\r\nBcc: eve@example.com',
    'Ada\nX-Evil: 1',
    'Ada\r\n\r\nbody',
    'Ada\0',
    'Ada" <eve@example.com>, "x',
    '=?utf-8?q?=0D=0ABcc:_eve=40example.com?=',
    'Ada\u2028Bcc: x',
  ]
  for (const name of names) await shop.confirm({ name, email: 'ada@example.com' })
  await shop.confirm({ name: 'Ada', email: 'ada@example.com\r\nRCPT TO:<eve@example.com>' })
  await shop.confirm({ name: 'Ada', email: 'ada@example.com, eve@example.com' })
  await shop.runTimers()
  assert.equal(smtp.received.length, names.length)
  for (const { recipients, raw } of smtp.received) {
    assert.deepEqual(recipients, ['ada@example.com'])
    const fields = headersOf(raw).map((line) => line.split(':')[0])
    assert.deepEqual(
      fields.toSorted(),
      ['Auto-Submitted', 'Content-Type', 'Date', 'From', 'MIME-Version', 'Message-ID', 'Subject', 'To'].toSorted(),
    )
  }
  assert.equal((await shop.emails()).filter(({ reason }) => reason === 'bad-address').length, 2)
})

test('a link about an account goes out by SMTP, once, and a mailbox that does not exist is known', async (t) => {
  const smtp = await startSmtp(t, {
    onRcptTo: ({ address }, _session, done) =>
      address.startsWith('nobody') ? done(Object.assign(new Error('5.1.1'), { responseCode: 550 })) : done(),
  })
  const shop = await startShop(t, `smtp://127.0.0.1:${smtp.port}`)
  const link = { link: 'https://shop.example/account/reset-password#token=abc', expiresAt: '2026-11-21T12:30:00.000Z' }
  const linkId = await shop.reset({ name: 'Ada\r\nBcc: eve@example.com', email: 'ada@example.com', ...link })
  await shop.runTimers()
  assert.equal(smtp.received.length, 1)
  const { recipients, raw } = smtp.received[0] ?? { recipients: [], raw: '' }
  assert.deepEqual(recipients, ['ada@example.com'])
  assert.equal(messageIdOf(raw), `Message-ID: <reset-password.${linkId}@example.org>`)
  assert.ok(headersOf(raw).includes('Subject: Set a new password'))
  assert.ok(!headersOf(raw).some((line) => line.startsWith('Bcc')))
  assert.match(raw.replace(/=\r\n/g, ''), /account\/reset-password#token=3Dabc|account\/reset-password#token=abc/)
  assert.deepEqual(await shop.accountEmails(), [{ status: 'sent', reason: null, handovers: 1 }])
  await shop.reset({ name: '', email: 'nobody@example.com', ...link })
  await shop.runTimers()
  assert.deepEqual((await shop.accountEmails())[1], {
    status: 'undeliverable',
    reason: 'recipient-refused',
    handovers: 0,
  })
})
