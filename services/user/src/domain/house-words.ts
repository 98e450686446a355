import { SHORTEST_PASSWORD } from './password.ts'

/** Shorter ones are part of too many other words. */
export const SHORTEST_HOUSE_WORD = 3

const LETTERS_FOR: Readonly<Record<string, string>> = {
  ...{ '0': 'o', '3': 'e', '4': 'a', '@': 'a', '5': 's', $: 's', '7': 't', '8': 'b', '9': 'g' },
}

/** What is typed for letters is read as those; 1 and ! stand for either of two. */
const readings = (typed: string): readonly string[] => {
  const plain = [...typed].map((character) => LETTERS_FOR[character] ?? character).join('')
  return [typed, plain.replaceAll(/[1!|]/g, 'i'), plain.replaceAll(/[1!|]/g, 'l')]
}

/**
 * True for a password that leans on words of the house, such as the shop's name: they count for nothing, so what is left without them has to be
 * long enough by itself. `words` and `typed` are lower case (ASVS 5.0, 6.1.2 and 6.2.11).
 */
export function leansOnHouseWords(words: readonly string[]): (typed: string) => boolean {
  const longestFirst = words.toSorted((a, b) => b.length - a.length)
  const isShort = (reading: string) => {
    const rest = longestFirst.reduce((left, word) => left.replaceAll(word, ''), reading)
    return rest !== reading && [...rest].length < SHORTEST_PASSWORD
  }
  return (typed) => readings(typed).some(isShort)
}
