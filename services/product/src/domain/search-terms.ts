const MOST_TERMS = 10

/** The words of a search as a text-search query in which each may be the beginning of a longer one; undefined without any word. */
export function prefixQuery(text: string): { readonly prefixes: string; readonly words: string } | undefined {
  const terms = (
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  ).slice(0, MOST_TERMS)
  if (terms.length === 0) return undefined
  return { prefixes: terms.map((term) => `${term}:*`).join(' & '), words: terms.join(' & ') }
}
