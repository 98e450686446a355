/** Text that goes into HTML or SVG. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.codePointAt(0)};`)

export interface Frame {
  readonly width: number
  readonly height: number
  readonly left: number
  readonly bottom: number
}

export const svg = ({ width, height }: Frame, label: string, parts: readonly string[]): string =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">${parts.join('')}</svg>`

export const text = (x: number, y: number, words: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}">${escaped(words)}</text>`

/** A linear scale from values to points. */
export const scale =
  ([least, most]: readonly [number, number], [from, to]: readonly [number, number]) =>
  (value: number): number =>
    from + ((value - least) / (most - least || 1)) * (to - from)
