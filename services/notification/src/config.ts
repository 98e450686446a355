import { ConfigError, env } from '@micromart/service-kit/config'
import type { CommonConfig } from '@micromart/service-kit/service'
import Type, { type Static } from 'typebox'
import { isMailable } from './domain/plain.ts'

export const NotificationConfig = Type.Object({
  MAIL_URL: env.secret({
    default: 'mailbox:',
    description: 'smtp://user:password@host:port, smtps://..., or mailbox: to keep mails in a table (development only)',
  }),
  MAIL_FROM: env.text({ default: 'orders@micromart.test', description: 'the address that mails come from' }),
  NOTIFICATION_MAILBOX: env.flag({
    default: true,
    description: 'shows the mailbox page; only in development and with MAIL_URL mailbox:',
  }),
})
export type NotificationConfig = Static<typeof NotificationConfig>

/** @throws ConfigError for what no single variable can tell */
export function checkMailConfig({ MAIL_URL, MAIL_FROM, MICROMART_ENV }: CommonConfig & NotificationConfig): void {
  const faults = [
    ...(/^(mailbox:$|smtps?:\/\/[^/])/.test(MAIL_URL) ? [] : ['MAIL_URL is not smtp://host, smtps://host or mailbox:']),
    ...(MAIL_URL === 'mailbox:' && MICROMART_ENV === 'production'
      ? ['MAIL_URL is mailbox: (its default), which sends nothing: set smtp://... while MICROMART_ENV is production']
      : []),
    ...(isMailable(MAIL_FROM) ? [] : ['MAIL_FROM is not a plain address such as orders@example.com']),
  ]
  if (faults.length > 0) throw new ConfigError(faults)
}
