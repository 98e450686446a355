import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import {
  AccountClosed,
  EmailChanged,
  EmailChangeRequested,
  EmailVerificationRequested,
  ErasureLinkRequested,
  PasswordChanged,
  PasswordResetRequested,
  RegistrationAttempted,
} from '@micromart/contracts/user'
import { type ServiceHarness, startServiceForTest } from '@micromart/testkit/service-harness'
import { until } from '@micromart/testkit/until'
import { notification } from '../src/main.ts'
import { type ContactServer, startContactServer } from './contact-server.ts'

describe('mails about accounts', () => {
  let contacts: ContactServer
  let h: ServiceHarness
  before(async () => {
    contacts = await startContactServer()
    h = await startServiceForTest(notification, { env: contacts.env })
  })
  after(async () => {
    await h.close()
    await contacts.close()
  })

  const mailsTo = async (email: string) =>
    (await h.call({ method: 'GET', url: `/api/v1/mailbox?to=${encodeURIComponent(email)}` })).body.items
  const statusesOf = (userId: string) =>
    h.database.query('SELECT template, status, reason FROM account_emails WHERE user_id = $1 ORDER BY template', [
      userId,
    ])
  const someone = () => ({ userId: randomUUID(), linkId: randomUUID(), email: `${randomUUID()}@example.com` })
  const URL_OF_LINK = 'https://shop.example/account/reset-password#token=a-token&x="<'

  test('a link goes out once, as text and to be clicked, however often the message comes', async () => {
    const { userId, linkId, email } = someone()
    const expiresAt = '2026-11-21T12:30:00.000Z'
    contacts.mails.set(`reset-password ${linkId}`, { name: 'Ada', email, link: URL_OF_LINK, expiresAt })
    for (let count = 0; count < 2; count++) {
      await h.deliver(PasswordResetRequested, { userId, linkId })
      await h.runTimers()
    }
    const mails = await mailsTo(email)
    assert.equal(mails.length, 1)
    const [{ subject, text, html, template, orderId }] = mails
    assert.deepEqual([subject, template, orderId], ['Set a new password', 'reset-password', null])
    assert.ok(text.startsWith('Hello Ada,\n'))
    assert.ok(text.includes(`Set a new password:\n${URL_OF_LINK}\n`))
    assert.match(text, /can be used once, until 2026-11-21 12:30 UTC\./)
    assert.ok(html.includes('href="https://shop.example/account/reset-password#token=a-token&amp;x=&quot;&lt;"'))
    assert.deepEqual(await statusesOf(userId), [{ template: 'reset-password', status: 'sent', reason: null }])
    const page = await h.call({ method: 'GET', url: `/mailbox?mail=reset-password:${linkId}` })
    assert.match(page.text, /<small>reset-password<\/small>/)
  })

  test('a change of address is told to both, and the old one hears of it again', async () => {
    const { userId, linkId, email } = someone()
    const old = `${randomUUID()}@example.com`
    const link = { link: 'https://shop.example/account/confirm-email#token=x', expiresAt: '2026-11-21T14:00:00.000Z' }
    contacts.mails.set(`confirm-new-email ${linkId}`, { name: '', email, ...link })
    contacts.mails.set(`email-change-requested ${linkId}`, { name: 'Ada', email: old })
    contacts.mails.set(`email-changed ${linkId}`, { name: 'Ada', email: old })
    await h.deliver(EmailChangeRequested, { userId, linkId })
    await h.deliver(EmailChanged, { userId, linkId })
    await h.runTimers()
    const [confirm, ...more] = await mailsTo(email)
    assert.deepEqual([confirm.template, more.length], ['confirm-new-email', 0])
    assert.ok(confirm.text.startsWith('Hello,\n'))
    const told = await mailsTo(old)
    assert.deepEqual(told.map(({ template }: { template: string }) => template).sort(), [
      'email-change-requested',
      'email-changed',
    ])
    for (const { text } of told) assert.ok(!text.includes('token='), 'the old address gets no link')
  })

  test('every other message is one mail', async () => {
    const { userId, linkId, email } = someone()
    const changeId = randomUUID()
    const link = { link: 'https://shop.example/account/verify-email#token=x', expiresAt: '2026-11-22T12:00:00.000Z' }
    contacts.mails.set(`verify-email ${linkId}`, { name: '', email, ...link })
    contacts.mails.set(`registration-attempted ${linkId}`, { name: 'Ada', email, ...link })
    contacts.mails.set(`confirm-erasure ${linkId}`, { name: 'Ada', email, ...link })
    for (const letter of ['password-changed', 'account-closed'])
      contacts.mails.set(`${letter} ${userId}`, { name: 'Ada', email })
    await h.deliver(EmailVerificationRequested, { userId, linkId })
    await h.deliver(RegistrationAttempted, { userId, linkId })
    await h.deliver(ErasureLinkRequested, { userId, linkId })
    await h.deliver(PasswordChanged, { userId, changeId })
    await h.deliver(AccountClosed, { userId })
    await h.runTimers()
    assert.deepEqual((await mailsTo(email)).map(({ subject }: { subject: string }) => subject).sort(), [
      'Please confirm that we shall forget you',
      'Please confirm your e-mail address',
      'You have an account already',
      'Your account is closed',
      'Your password was changed',
    ])
  })

  test('a link that is of no use any more is not mailed', async () => {
    const { userId, linkId } = someone()
    await h.deliver(PasswordResetRequested, { userId, linkId })
    await h.runTimers()
    assert.deepEqual(await statusesOf(userId), [
      { template: 'reset-password', status: 'undeliverable', reason: 'no-contact' },
    ])
  })

  test('nothing that opens an account is kept but in the mailbox', async () => {
    const { userId, linkId, email } = someone()
    const expiresAt = '2026-11-21T12:30:00.000Z'
    contacts.mails.set(`reset-password ${linkId}`, { name: 'Ada', email, link: URL_OF_LINK, expiresAt })
    const kept = async () =>
      JSON.stringify(
        await Promise.all(
          ['account_emails', 'timers', 'inbox', 'outbox', 'dead_letters'].map((table) =>
            h.database.query(`SELECT * FROM ${table}`),
          ),
        ),
      )
    await h.deliver(PasswordResetRequested, { userId, linkId })
    const queued = await kept()
    await h.runTimers()
    for (const secret of [email, 'a-token', 'Ada'])
      assert.ok(!queued.includes(secret) && !(await kept()).includes(secret), secret)
    assert.equal((await mailsTo(email)).length, 1)
  })
})

test('while user is away the mail waits, and it goes out when user is back', async () => {
  const contacts = await startContactServer()
  const h = await startServiceForTest(notification, { env: contacts.env })
  const [userId, linkId] = [randomUUID(), randomUUID()]
  await contacts.close()
  await h.deliver(EmailVerificationRequested, { userId, linkId })
  const failed = () => h.database.query('SELECT 1 FROM timers WHERE last_error IS NOT NULL')
  await until(async () => (await failed()).length === 1, { what: 'the first try has failed' })
  const back = await startContactServer(Number(new URL(contacts.env.USER_GRPC_URL).port))
  const link = { link: 'https://shop.example/x#token=y', expiresAt: '2026-11-22T12:00:00.000Z' }
  back.mails.set(`verify-email ${linkId}`, { name: '', email: 'ada@example.com', ...link })
  h.clock.advance(120_000)
  await h.runTimers()
  const [mail] = await h.database.query<{ recipient: string }>('SELECT recipient FROM mailbox')
  assert.equal(mail?.recipient, 'ada@example.com')
  await h.close()
  await back.close()
})
