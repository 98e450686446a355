import { type Html, html } from '../domain/html.ts'
import type { MailboxMail } from '../ports.ts'

const STYLE = html`<style>
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent) }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; display: grid; grid-template: auto 1fr / minmax(16rem, 26rem) 1fr; height: 100vh }
header { grid-column: 1 / -1; padding: .75rem 1rem; border-bottom: 1px solid var(--line); display: flex; gap: 1rem; align-items: center; flex-wrap: wrap }
h1 { font-size: 1.1rem; margin: 0 auto 0 0 }
input, button { font: inherit; padding: .3rem .6rem }
nav { overflow: auto; border-right: 1px solid var(--line) }
nav a { display: block; padding: .6rem 1rem; border-bottom: 1px solid var(--line); color: inherit; text-decoration: none; overflow-wrap: anywhere }
nav a:hover, nav a[aria-current] { background: color-mix(in srgb, currentColor 10%, transparent) }
nav strong { display: block }
small { opacity: .75 }
main { display: flex; flex-direction: column; min-width: 0; overflow: auto }
main > * { padding: .75rem 1rem; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.1rem }
iframe { flex: 1; min-height: 24rem; width: 100%; padding: 0; border: 0; border-top: 1px solid var(--line); background: #fff }
pre { white-space: pre-wrap }
@media (max-width: 50rem) { body { display: block; height: auto } nav { max-height: 40vh } }
</style>`

export interface MailboxView {
  readonly mails: readonly MailboxMail[]
  readonly chosen: MailboxMail | undefined
  /** The address that the list is narrowed to. */
  readonly to: string | undefined
}

/** One page without scripts and without anything from elsewhere; a mail is shown in a frame that can run nothing, and whose links open elsewhere. */
export const mailboxPage = ({ mails, chosen, to }: MailboxView): string =>
  html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Mailbox · MicroMart</title>${STYLE}</head>
<body>
<header>
<h1>Mailbox</h1>
<form action="/mailbox"><label>To <input type="search" name="to" value="${to ?? ''}" placeholder="anybody"></label> <button>Show</button></form>
</header>
<nav aria-label="Mails">
${mails.length === 0 ? html`<p style="padding:0 1rem">No mails yet. Buy something, then reload this page.</p>` : mails.map((mail) => entry(mail, { isChosen: mail.id === chosen?.id, to }))}
</nav>
<main>
${chosen ? letter(chosen) : html`<p>${mails.length === 0 ? '' : 'There is no such mail.'}</p>`}
</main>
</body>
</html>
`.markup

const entry = (mail: MailboxMail, { isChosen, to }: { isChosen: boolean; to: string | undefined }): Html => {
  const link = `/mailbox?${new URLSearchParams({ mail: mail.id, ...(to === undefined ? {} : { to }) })}`
  return html`<a href="${link}"${isChosen ? html` aria-current="true"` : ''}><strong>${mail.subject}</strong>${mail.to}<br><small>${timeOf(mail)}</small></a>
`
}

const letter = (mail: MailboxMail): Html => html`<h2>${mail.subject}</h2>
<p>To ${mail.to} · ${timeOf(mail)}<br><small>${mail.orderId === null ? mail.template : `order ${mail.orderId}`}</small></p>
<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" title="The mail" srcdoc="${mail.html}"></iframe>
<details><summary>As text</summary><pre>${mail.text}</pre></details>`

const timeOf = ({ sentAt }: MailboxMail): string =>
  sentAt
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC')
