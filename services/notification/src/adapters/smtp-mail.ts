import type { Clock } from '@micromart/kernel/clock'
import { createTransport } from 'nodemailer'
import type { HandOver, MailPort, OutgoingMail } from '../ports.ts'
import { limitConcurrency } from './limit-concurrency.ts'

/** The place and each step of the conversation end long before the claim on the mail does: nobody else sends it meanwhile. */
const LEASE_MS = 180_000
const LIMIT = { running: 5, waitMs: 30_000 }
const TIMEOUTS = { dnsTimeout: 10_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 }

export interface SmtpOptions {
  /** `smtp://user:password@host:port` (STARTTLS where the server offers it) or `smtps://...` (TLS from the start). */
  readonly url: string
  /** A plain address. */
  readonly from: string
  readonly clock: Clock
}

/** Hands mail to a mail server. The Message-ID says which mail it is, so that a repeat can be recognised on its way. */
export function smtpMail({ url, from, clock }: SmtpOptions): MailPort {
  const transport = createTransport({ url, ...TIMEOUTS, disableFileAccess: true, disableUrlAccess: true })
  const limited = limitConcurrency(LIMIT)
  const domain = from.slice(from.lastIndexOf('@') + 1)

  const send = async ({ id, to, subject, text, html }: OutgoingMail): Promise<HandOver> => {
    try {
      await transport.sendMail({
        messageId: `<${id.replace(':', '.')}@${domain}>`,
        date: clock.now(),
        from: { name: 'MicroMart', address: from },
        to,
        subject,
        text,
        html,
        headers: { 'Auto-Submitted': 'auto-generated' }, // RFC 3834: no out-of-office answers, please
      })
      return { kind: 'taken' }
    } catch (error) {
      return failureOf(error as SmtpError)
    }
  }

  return {
    recognisesRepeats: false,
    leaseMs: LEASE_MS,
    handOver: async (mail) =>
      (await limited(() => send(mail))) ?? { kind: 'not-taken', detail: 'too many mails wait for the mail server' },
  }
}

interface SmtpError extends Error {
  readonly code?: string
  readonly command?: string
  readonly responseCode?: number
  readonly response?: string
  readonly syscall?: string
}

/** The texts of servers name recipients, so only codes are passed on. */
function failureOf({ code, command, responseCode, response, syscall }: SmtpError): HandOver {
  if (command === 'RCPT TO' && isNoSuchMailbox(responseCode, response)) return { kind: 'recipient-refused' }
  const said = [code, responseCode, command].filter((part) => part !== undefined).join(' ')
  const isCertain =
    responseCode !== undefined || syscall === 'connect' || ['EAUTH', 'EDNS', 'EENVELOPE', 'ETLS'].includes(code ?? '')
  return { kind: isCertain ? 'not-taken' : 'unknown', detail: `the mail server answered ${said || 'nothing'}` }
}

/** RFC 5321, section 4.2.3; with 5.7.x (RFC 3463) the server refuses us, not the mailbox, and that can be mended. */
const isNoSuchMailbox = (responseCode: number | undefined, response: string | undefined): boolean =>
  [550, 551, 553].includes(responseCode ?? 0) && !/\b5\.7\.\d/.test(response ?? '')
