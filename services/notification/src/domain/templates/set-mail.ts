import { type Html, html } from '../html.ts'
import type { Bill, MailContent } from './mail-content.ts'

const SIGNATURE = 'MicroMart'

const greeting = (name: string): string => (name === '' ? 'Hello,' : `Hello ${name},`)

export function setAsText({ paragraphs, bill, address, link, closing = [] }: MailContent, name: string): string {
  const blocks = [
    greeting(name),
    ...paragraphs,
    ...(bill ? [textBill(bill)] : []),
    ...(address ? [`${address.title}:\n${address.lines.map((line) => `  ${line}`).join('\n')}`] : []),
    ...(link ? [`${link.title}:\n${link.url}`] : []),
    ...closing,
    SIGNATURE,
  ]
  return `${blocks.join('\n\n')}\n`
}

const textBill = ({ rows, sum }: Bill): string =>
  [...rows, sum].map(({ what, amount }) => `  ${what}: ${amount}`).join('\n')

export const setAsHtml = (
  { subject, paragraphs, bill, address, link, closing = [] }: MailContent,
  name: string,
): string =>
  html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${subject}</title></head>
<body style="margin:0;padding:24px;background:#f4f4f2;color:#1d1d1b;font:16px/1.5 system-ui,sans-serif">
<div style="max-width:560px;margin:0 auto;padding:24px;background:#fff;border-radius:8px">
<p>${greeting(name)}</p>
${htmlParagraphs(paragraphs)}${bill ? htmlBill(bill) : ''}${address ? htmlAddress(address) : ''}${link ? htmlLink(link) : ''}${htmlParagraphs(closing)}<p>${SIGNATURE}</p>
</div>
</body>
</html>
`.markup

const htmlParagraphs = (paragraphs: readonly string[]): readonly Html[] =>
  paragraphs.map((paragraph) => html`<p>${paragraph}</p>\n`)

const htmlLink = ({ title, url }: NonNullable<MailContent['link']>): Html =>
  html`<p><a href="${url}" target="_blank" rel="noopener" style="display:inline-block;padding:10px 18px;background:#1d1d1b;color:#fff;border-radius:6px;text-decoration:none">${title}</a></p>
`

const htmlBill = ({ rows, sum }: Bill): Html => html`<table style="width:100%;border-collapse:collapse">
${rows.map(({ what, amount }) => htmlRow(what, amount, 'padding:6px 0;border-bottom:1px solid #ddd'))}${htmlRow(sum.what, sum.amount, 'padding:6px 0;font-weight:bold')}</table>
`

const htmlRow = (what: string, amount: string, style: string): Html =>
  html`<tr><td style="${style}">${what}</td><td style="${style};text-align:right;white-space:nowrap">${amount}</td></tr>
`

const htmlAddress = ({ title, lines }: NonNullable<MailContent['address']>): Html =>
  html`<p>${title}:${lines.map((line) => html`<br>${line}`)}</p>
`
