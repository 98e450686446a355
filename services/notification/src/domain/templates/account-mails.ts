import type { AccountAddressee, AccountTemplate } from '../account-letter.ts'
import type { MailContent } from './mail-content.ts'

interface Words {
  readonly subject: string
  readonly before: string
  /** What the link is called; only in letters that carry one. */
  readonly link?: string
  readonly after: string
}

const NOT_YOU = 'If it was not you, set a new password at once and look at the sessions of your account.'

const words: Readonly<Record<AccountTemplate, Words>> = {
  'verify-email': {
    subject: 'Please confirm your e-mail address',
    before: 'An account was opened with this e-mail address. Please confirm that it is yours.',
    link: 'Confirm this address',
    after: 'If you opened no account, do nothing: an address that nobody confirms is not used for offers.',
  },
  'reset-password': {
    subject: 'Set a new password',
    before: 'Somebody, hopefully you, asked for a new password for your account.',
    link: 'Set a new password',
    after: 'If it was not you, do nothing: your password stays as it is.',
  },
  'registration-attempted': {
    subject: 'You have an account already',
    before:
      'Somebody, hopefully you, wanted to open an account with this e-mail address, and there is one already. Sign in to it, or set a new password.',
    link: 'Set a new password',
    after: 'If it was not you, do nothing: your account stays as it is.',
  },
  'confirm-new-email': {
    subject: 'Please confirm your new e-mail address',
    before: 'Somebody wants this to be the e-mail address of their account.',
    link: 'Use this address from now on',
    after: 'If it was not you, do nothing: without you nothing changes.',
  },
  'email-change-requested': {
    subject: 'Your e-mail address is to be changed',
    before: 'Somebody who knows your password asked to replace this e-mail address of your account by another one.',
    after: `Nothing has changed yet: the new address has to confirm it. ${NOT_YOU}`,
  },
  'email-changed': {
    subject: 'Your e-mail address was changed',
    before: 'Your account has another e-mail address now. We write to this one for the last time.',
    after: 'If you did not ask for it, please get in touch with us at once.',
  },
  'password-changed': {
    subject: 'Your password was changed',
    before: 'The password of your account was changed, and everybody else who was signed in to it was signed out.',
    after: NOT_YOU,
  },
  'account-closed': {
    subject: 'Your account is closed',
    before:
      'You have closed your account, and nobody can sign in to it any more. Orders that are on their way still arrive.',
    after:
      'What we have to keep for them can be forgotten as well: ask for it with this address at any time. If you did not ask for it, please get in touch with us at once.',
  },
  'confirm-erasure': {
    subject: 'Please confirm that we shall forget you',
    before:
      'Somebody, hopefully you, asked us to erase what we keep of your closed account. It cannot be undone; what the law wants kept names you no more.',
    link: 'Erase everything',
    after: 'If it was not you, do nothing: without you nothing is erased.',
  },
}

export function accountMail(template: AccountTemplate, { link }: AccountAddressee): MailContent {
  const { subject, before, link: title = '', after } = words[template]
  if (!link) return { subject, paragraphs: [before], closing: [after] }
  const until = `The link can be used once, until ${instantOf(link.expiresAt)}.`
  return { subject, paragraphs: [before], link: { title, url: link.url }, closing: [until, after] }
}

/** To the minute, in UTC. */
const instantOf = (at: Date): string => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
