import type { OrderedLine } from '@micromart/contracts/message'
import type { Money } from '@micromart/kernel/money'

/**
 * What was charged for each line, in minor units: the order's total shared out by what the lines cost before the discount. The parts are
 * whole and add up to the total exactly; what rounding leaves over goes to later lines.
 */
export function chargedByLine(lines: readonly OrderedLine[], total: Money): readonly number[] {
  const gross = lines.map(({ unitPrice, quantity }) => BigInt(unitPrice.minor) * BigInt(quantity))
  const whole = gross.reduce((sum, minor) => sum + minor, 0n)
  if (whole === 0n) return lines.map(() => 0)
  const shareOf = (part: bigint) => (BigInt(total.minor) * part) / whole
  let before = 0n
  return gross.map((minor) => {
    const share = shareOf(before + minor) - shareOf(before)
    before += minor
    return Number(share)
  })
}
