import type { DataOf, MessageType } from '@micromart/contracts/message'
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
import { type MessageHandler, on } from '@micromart/service-kit/subscription'
import type { AccountTemplate } from '../domain/account-letter.ts'
import type { QueueAccountEmails } from '../queue-account-emails.ts'

/** Every message about accounts, and the letters it becomes. */
export function accountHandlers(queue: QueueAccountEmails): readonly MessageHandler[] {
  const writing = <Data extends { userId: string }>(
    type: MessageType<Data>,
    idsIn: (data: Data) => { causeId: string; linkId: string },
    ...templates: readonly AccountTemplate[]
  ) =>
    on(type, (tx, batch) =>
      queue(
        tx,
        batch.flatMap(({ data, context }) =>
          templates.map((template) => ({ template, userId: data.userId, ...idsIn(data), context })),
        ),
      ),
    )
  const byLink = ({ linkId }: DataOf<typeof EmailChanged>) => ({ causeId: linkId, linkId })
  return [
    writing(EmailVerificationRequested, byLink, 'verify-email'),
    writing(PasswordResetRequested, byLink, 'reset-password'),
    writing(RegistrationAttempted, byLink, 'registration-attempted'),
    writing(ErasureLinkRequested, byLink, 'confirm-erasure'),
    writing(EmailChangeRequested, byLink, 'confirm-new-email', 'email-change-requested'),
    writing(EmailChanged, byLink, 'email-changed'),
    writing(PasswordChanged, ({ changeId }) => ({ causeId: changeId, linkId: '' }), 'password-changed'),
    writing(AccountClosed, ({ userId }) => ({ causeId: userId, linkId: '' }), 'account-closed'),
  ]
}
