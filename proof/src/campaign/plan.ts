import { type Random, randomFrom } from '../random.ts'

/** What the shop is made of, as far as a plan has to know. */
export interface Shape {
  readonly services: readonly string[]
  /** Such as `order-1`. */
  readonly instances: readonly string[]
  /** Such as `order-1>postgres`. */
  readonly links: readonly string[]
}

/** What one fault is to be, all of it drawn from the seed. */
export interface Draw {
  /** What is hurt: an instance, a service, a link or a server. */
  readonly target: string
  /** How long it lasts before it is healed; 0 where it is over at once. */
  readonly durationMs: number
  /** How it is to be done: amounts, directions. */
  readonly how?: Readonly<Record<string, number | string>>
}

export interface FaultKind {
  readonly name: string
  /** How many of its cards are in the deck: cheap faults come more often than restarts of a server. */
  readonly cards: number
  /** It hits everybody: mostly it has a wave of its own, so that the recovery from the others can be told from its own. */
  readonly hitsAll?: boolean
  draw(random: Random, shape: Shape): Draw
  /** What nobody else may hurt at the same time. */
  claims(target: string, shape: Shape): readonly string[]
}

export interface PlannedFault extends Draw {
  /** From 1. */
  readonly number: number
  /** The faults of one wave are there together; a wave begins when the one before it has been recovered from. */
  readonly wave: number
  readonly kind: string
  /** When it comes, counted from the beginning of its wave. */
  readonly afterMs: number
}

const LATEST_START_MS = 400
const ALONE = 0.75

/**
 * The faults of a campaign. They are dealt from a shuffle deck, so that every kind comes as often as its cards say; up to `atOnce` neighbours with
 * different targets make a wave. The same seed, kinds and shape give the same plan.
 */
export function planCampaign(options: {
  readonly seed: string
  readonly faults: number
  readonly atOnce: number
  readonly kinds: readonly FaultKind[]
  readonly shape: Shape
}): readonly PlannedFault[] {
  const { faults, atOnce, kinds, shape } = options
  const random = randomFrom(options.seed)
  const deck = kinds.flatMap((kind) => Array.from({ length: kind.cards }, () => kind))
  const plan: PlannedFault[] = []
  let dealt: FaultKind[] = []
  let wave = 1
  let inWave = 0
  let claimed = new Set<string>()
  let closed = false
  while (plan.length < faults) {
    if (dealt.length === 0) dealt = [...random.shuffle(deck)]
    const kind = dealt.pop()
    if (!kind) throw new Error('A campaign needs at least one kind of fault')
    const draw = kind.draw(random, shape)
    const claims = kind.claims(draw.target, shape)
    const alone = kind.hitsAll === true && random.chance(ALONE)
    if (inWave > 0 && (closed || alone || inWave >= atOnce || claims.some((claim) => claimed.has(claim)))) {
      wave += 1
      inWave = 0
      claimed = new Set()
    }
    closed = alone
    for (const claim of claims) claimed.add(claim)
    inWave += 1
    plan.push({
      ...draw,
      number: plan.length + 1,
      wave,
      kind: kind.name,
      afterMs: random.between(0, LATEST_START_MS),
    })
  }
  return plan
}
