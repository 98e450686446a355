/** Waits for something to become true by asking again and again; fails with its last answer after the deadline. */
export async function until<T>(
  ask: () => Promise<T | undefined | false>,
  options: { withinMs?: number; what: string },
): Promise<T> {
  const deadline = Date.now() + (options.withinMs ?? 10_000)
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > deadline) throw new Error(`Not within ${options.withinMs ?? 10_000} ms: ${options.what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
