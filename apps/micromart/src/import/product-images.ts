import { ok, type Result, refuse } from '@micromart/kernel/result'
import { quoted } from './import-problems.ts'
import type { Fault, ProductRow } from './variant-from-row.ts'

/** `position` counts from 1 without gaps. */
export interface ParsedImage {
  readonly url: string
  readonly alt?: string
  readonly position: number
}

const longestUrl = 2048

/** A link to an image on the web, or nothing for an empty cell. */
export const imageLink = (text: string): Result<string | undefined, Fault> => {
  if (text === '') return ok(undefined)
  const usable = text.length <= longestUrl && /^https?:\/\//i.test(text) && URL.canParse(text)
  return usable
    ? ok(text)
    : refuse(
        'import.bad-image',
        `The image ${quoted(text)} is not an http or https address; only the image is left out.`,
      )
}

/** The product's images, each address once, by their stated positions; those without one come last, in the file's order. */
export const imagesFromRows = (
  rows: readonly ProductRow[],
  report: (row: ProductRow, fault: Fault) => void,
): ParsedImage[] => {
  const found = new Map<string, { alt: string; place: number }>()
  for (const row of rows) {
    const link = imageLink(row.cell('imageUrl'))
    if (!link.ok) report(row, link.error)
    else if (link.value !== undefined && !found.has(link.value))
      found.set(link.value, { alt: row.cell('imageAlt'), place: placeOf(row.cell('imagePosition')) })
  }
  return [...found]
    .sort(([, a], [, b]) => a.place - b.place)
    .map(([url, { alt }], index) => ({ url, ...(alt === '' ? {} : { alt }), position: index + 1 }))
}

const placeOf = (text: string): number => (/^[1-9]\d{0,5}$/.test(text) ? Number(text) : Number.MAX_SAFE_INTEGER)
