import { createHash } from 'node:crypto'

const longestSku = 64
const digestLength = 8

/**
 * A SKU for a variant that came without one: handle and option values in upper-case kebab, `LINEN-APRON-SAND`. The same
 * product gives the same SKU in every import. What cannot be spelled in A-Z and digits, or is over 64 characters, gets a
 * digest of the exact text behind it.
 */
export const deriveSku = (handle: string, optionValues: readonly string[]): string => {
  const text = plain([handle, ...optionValues])
  const sku = kebab(text)
  const faithful = sku !== '' && sku.length <= longestSku && !/[^\p{ASCII}\p{P}\p{Z}]/u.test(text)
  return faithful ? sku : distinctSku(handle, optionValues)
}

/** The derived SKU with a digest behind it: for when the plain one already belongs to another variant. */
export const distinctSku = (handle: string, optionValues: readonly string[]): string => {
  const exact = [handle, ...optionValues]
  const digest = createHash('sha256').update(JSON.stringify(exact)).digest('hex').slice(0, digestLength).toUpperCase()
  const spelled = kebab(plain(exact))
    .slice(0, longestSku - digestLength - 1)
    .replace(/-$/, '')
  return spelled === '' ? digest : `${spelled}-${digest}`
}

/** Accents fall away, compatible forms become plain letters. */
const plain = (words: readonly string[]): string =>
  words.join(' ').normalize('NFKD').replace(/\p{M}/gu, '').toUpperCase()

const kebab = (text: string): string => text.replace(/[^A-Z0-9]+/g, '-').replace(/^-|-$/g, '')
