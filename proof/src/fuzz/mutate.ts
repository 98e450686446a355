import type { Random } from '../random.ts'

/** Characters at which parsers change their mind. */
const LETTERS = [
  ...'\u0000\t\n\r !"#$%&\'()*+,-./0159:;<=>?@AZ[\\]^_`az{|}~\u007f',
  ...'\u0080\u00a0\u00e9\u0130\u0131\u017f\u0660\u200b\u2028\u202e\ufeff\ufffd\ud800\udfff',
  '\u{1f600}',
]

const LONGEST = 20_000

type Change = (text: string, random: Random, words: readonly string[]) => string

const place = (text: string, random: Random) => random.between(0, text.length)

function range(text: string, random: Random): readonly [from: number, to: number] {
  const from = place(text, random)
  return [from, Math.min(text.length, from + random.between(1, 8))]
}

const changes: readonly Change[] = [
  (text, random) => {
    const at = place(text, random)
    return text.slice(0, at) + random.pick(LETTERS) + text.slice(at)
  },
  (text, random) => {
    const at = place(text, random)
    return text.slice(0, at) + random.pick(LETTERS) + text.slice(at + 1)
  },
  (text, random) => {
    const [from, to] = range(text, random)
    return text.slice(0, from) + text.slice(to)
  },
  (text, random) => {
    const [from, to] = range(text, random)
    return text.slice(0, to) + text.slice(from)
  },
  (text, random, words) => {
    const at = place(text, random)
    return text.slice(0, at) + random.pick(words) + text.slice(at)
  },
  (text, random) => text.slice(0, place(text, random)),
  (text, random) => text.slice(place(text, random)),
  (text, random) => {
    const at = place(text, random)
    return text.slice(0, at) + (text[at] ?? '').toUpperCase() + text.slice(at + 1)
  },
  (text, random) => {
    const [from, to] = range(text, random)
    const part = text.slice(from, to)
    return part === '' ? text : text.slice(0, from) + part.repeat(random.between(2, 400)) + text.slice(to)
  },
  (text) => encodeURIComponent(text.toWellFormed()),
]

/** A text with one to six things changed; `words` are what means something in its language. */
export function mutate(random: Random, text: string, words: readonly string[]): string {
  let changed = text
  for (let times = random.pick([1, 1, 1, 2, 3, 6]); times > 0; times -= 1)
    changed = random.pick(changes)(changed, random, words)
  return changed.length > LONGEST ? changed.slice(0, LONGEST) : changed
}

/** Text that follows no rule at all. */
export const noise = (random: Random): string =>
  Array.from({ length: random.between(0, 60) }, () =>
    random.chance(0.5) ? random.pick(LETTERS) : String.fromCharCode(random.between(32, 126)),
  ).join('')

const scalars: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e21,
  2 ** 53,
  '',
  '0',
  'x',
  '__proto__',
  [],
  {},
  ['x'],
  [null],
  { toString: 'x' },
  { length: 1, 0: 'x' },
]

/** A value with one part replaced, removed, added or nested; what it was made of stays as it was. */
export function mutateValue(random: Random, value: unknown, others: readonly unknown[] = []): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.15)) return random.pick([...scalars, ...others])
  const entries = Object.entries(value)
  const [name] = entries.length === 0 ? ['x'] : random.pick(entries)
  const part = (value as Record<string, unknown>)[name]
  const changed = random.pick<() => readonly (readonly [string, unknown])[]>([
    () => entries.filter(([other]) => other !== name),
    () => [...entries, [random.pick(['__proto__', 'constructor', 'admin', '0', `${name} `]), random.pick(scalars)]],
    () => entries.map(([other, own]) => (other === name ? [other, mutateValue(random, part, others)] : [other, own])),
    () => entries.map(([other, own]) => (other === name ? [name.toUpperCase(), own] : [other, own])),
    () => entries.map(([other, own]) => (other === name ? [other, [own]] : [other, own])),
  ])()
  return Array.isArray(value) ? changed.map(([, own]) => own) : Object.fromEntries(changed)
}
