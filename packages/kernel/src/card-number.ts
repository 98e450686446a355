/** How the digits of 13 to 19 digit numbers are grouped on cards: in one, in fours, and as on American Express and Diners Club. */
const GROUPINGS = /^(1[3-9]|4-4-4-[1-4]|4-4-4-4-[1-3]|4-6-5|4-6-4)$/

/** Digits in groups, not glued to letters: a piece of a UUID is no card. */
const DIGITS = /(?<![\p{L}\d])\d+(?:[ -]\d+)*(?![\p{L}\d])/gu

/** True where a text holds what looks like a payment card's number: digits grouped as on a card, with a right check digit. */
export const holdsCardNumber = (text: string): boolean =>
  (text.match(DIGITS) ?? []).some((run) => anyCardAmong(run.split(/[ -]/)))

/** The groups of a number may be led or followed by others, such as an expiry date. */
const anyCardAmong = (groups: readonly string[]): boolean =>
  groups.some((_, from) => groups.slice(from, from + 5).some((_, last) => isCard(groups.slice(from, from + last + 1))))

const isCard = (groups: readonly string[]): boolean =>
  GROUPINGS.test(groups.map(({ length }) => length).join('-')) && passesLuhn(groups.join(''))

/** ISO/IEC 7812-1, annex B: from the right, every second digit counts double. */
function passesLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 === 0 ? 1 : 2)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0
}
