const SHORTEST = 13
const LONGEST = 19

/** True where a text holds what looks like a payment card's number: 13 to 19 digits, in groups or not, with a right check digit. */
export const holdsCardNumber = (text: string): boolean =>
  (text.match(/\d+(?:[ -]\d+)*/g) ?? []).some((run) => anyCardAmong(run.split(/[ -]/)))

/** The groups of a number may be followed or led by others, such as an expiry date. */
function anyCardAmong(groups: readonly string[]): boolean {
  return groups.some((_, from) => {
    let digits = ''
    for (const group of groups.slice(from)) {
      digits += group
      if (digits.length > LONGEST) return false
      if (digits.length >= SHORTEST && passesLuhn(digits)) return true
    }
    return false
  })
}

/** ISO/IEC 7812-1, annex B: from the right, every second digit counts double. */
function passesLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 === 0 ? 1 : 2)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0
}
