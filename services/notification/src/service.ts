import { personalDataQueries } from '@micromart/service-kit/personal-data'
import type { BuiltService, ServiceParts } from '@micromart/service-kit/service'
import { bothOf, subscription } from '@micromart/service-kit/subscription'
import { grpcAccountContacts } from './adapters/grpc-account-contacts.ts'
import { grpcContacts } from './adapters/grpc-contacts.ts'
import { postgresEmails } from './adapters/postgres-emails.ts'
import { postgresMailbox } from './adapters/postgres-mailbox.ts'
import { postgresPersonalData } from './adapters/postgres-personal-data.ts'
import { smtpMail } from './adapters/smtp-mail.ts'
import { checkMailConfig, type NotificationConfig } from './config.ts'
import { erasePerson } from './erase-person.ts'
import { mailboxRoutes } from './http/mailbox-routes.ts'
import { accountHandlers } from './messages/account-handlers.ts'
import { notificationSubscriptions } from './messages/notification-subscriptions.ts'
import { accountEmailQueue } from './queue-account-emails.ts'
import { emailQueue } from './queue-emails.ts'
import { sendAccountEmail } from './send-account-email.ts'
import { sendEmail } from './send-email.ts'

/** The notification service on any parts: messages become mails, mails go out by timer. */
export async function notificationService(parts: ServiceParts<NotificationConfig>): Promise<BuiltService> {
  const { config, database, outbox, clock, timers, grpc, http } = parts
  checkMailConfig(config)
  const emails = postgresEmails('emails', { database, clock })
  const accountEmails = postgresEmails('account_emails', { database, clock })
  const contacts = grpcContacts({ grpc, cartUrls: config.CART_GRPC_URL, userUrls: config.USER_GRPC_URL })
  const accountContacts = grpcAccountContacts({ grpc, userUrls: config.USER_GRPC_URL })
  const mailbox = config.MAIL_URL === 'mailbox:' ? postgresMailbox({ database, clock }) : undefined
  const mail = mailbox ?? smtpMail({ url: config.MAIL_URL, from: config.MAIL_FROM, clock })
  if (mailbox && config.NOTIFICATION_MAILBOX) mailboxRoutes(http, mailbox)
  const people = postgresPersonalData(database)
  const erasing = erasePerson({ people, outbox, timers, clock })
  return {
    subscription: bothOf(
      notificationSubscriptions(
        emailQueue({ emails, timers, clock }),
        accountHandlers(accountEmailQueue({ emails: accountEmails, timers, clock })),
      ),
      subscription(erasing.handler),
    ),
    queries: personalDataQueries(people),
    timerHandlers: [
      sendEmail({ emails, contacts, mail }),
      sendAccountEmail({ emails: accountEmails, contacts: accountContacts, mail }),
      erasing.timer,
    ],
  }
}
