/** Text that is markup already; everything else is escaped where it is put into markup. */
export interface Html {
  readonly markup: string
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? character)

type Value = string | number | Html | readonly Html[]

const markupOf = (value: Value): string => {
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('')
}

/** Writes markup: what is put in is escaped, for elements and quoted attributes alike, unless `html` made it. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  markup: parts.map((part, index) => `${part}${index < values.length ? markupOf(values[index] ?? '') : ''}`).join(''),
})
