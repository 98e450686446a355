import { decodeCursor, encodeCursor, PageQuery, pageLimit } from '@micromart/http-kit/cursor'
import { kitProblem } from '@micromart/http-kit/problem'
import type { HttpServer } from '@micromart/http-kit/server'
import Type from 'typebox'
import type { Mailbox, MailboxMail } from '../ports.ts'
import { mailboxPage } from './mailbox-page.ts'

/** Anything but the NUL that the database cannot compare with. */
const text = { maxLength: 320, pattern: '^[^\\u0000]*$' }
const To = Type.Optional(Type.String({ ...text, description: 'only mails to this address' }))

const MailBody = Type.Object({
  id: Type.String(),
  to: Type.String(),
  subject: Type.String(),
  text: Type.String(),
  html: Type.String(),
  sentAt: Type.String(),
  template: Type.String(),
  orderId: Type.Union([Type.String(), Type.Null()], { description: 'null for mails about accounts' }),
})

const MailPage = Type.Object({ items: Type.Array(MailBody), nextCursor: Type.Union([Type.String(), Type.Null()]) })

const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** Everybody's mail for everybody to read: in development only. */
export function mailboxRoutes(http: HttpServer, mailbox: Mailbox): void {
  http.get('/api/v1/mailbox', {
    config: { access: 'public' },
    schema: {
      tags: ['mailbox'],
      summary: 'Mails that were sent, newest first; in development only',
      querystring: Type.Object({ ...PageQuery, to: To }, { additionalProperties: false }),
      response: { 200: MailPage },
    },
    handler: async ({ query }) => {
      const limit = pageLimit(query.limit)
      const found = await mailbox.list({ to: query.to, before: keyOf(query.after), limit: limit + 1 })
      const items = found.slice(0, limit)
      const last = items.at(-1)
      const nextCursor = found.length > limit && last ? encodeCursor([last.sentAt.toISOString(), last.id]) : null
      return { items: items.map(bodyOf), nextCursor }
    },
  })

  http.get('/mailbox', {
    config: { access: 'public' },
    schema: {
      tags: ['mailbox'],
      summary: 'The mails as a page; in development only',
      querystring: Type.Object({ to: To, mail: Type.Optional(Type.String(text)) }, { additionalProperties: false }),
    },
    handler: async ({ query }, reply) => {
      const to = query.to?.trim() || undefined
      const mails = await mailbox.list({ to, before: undefined, limit: 100 })
      const chosen = query.mail === undefined ? mails[0] : await mailbox.find(query.mail)
      return reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(mailboxPage({ mails, chosen, to }))
    },
  })
}

const SENT_AT = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** Written as JavaScript writes it: the 31st of February is read as another day. */
const isInstant = (text: string) =>
  SENT_AT.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text

function keyOf(cursor: string | undefined): { sentAt: string; id: string } | undefined {
  const [sentAt, id] = decodeCursor(cursor, 2) ?? []
  if (sentAt === undefined || id === undefined) return undefined
  if (isInstant(sentAt) && !id.includes('\0')) return { sentAt, id }
  throw kitProblem('request.bad-cursor', 'The cursor is not one that this list gave out')
}

const bodyOf = ({ sentAt, ...mail }: MailboxMail) => ({ ...mail, sentAt: sentAt.toISOString() })
