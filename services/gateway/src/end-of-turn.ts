/** Something that waits for the end of this turn of the event loop. */
export interface Waiting {
  atEndOfTurn(): void
}

let waiting: Waiting[] = []
let spare: Waiting[] = []

/**
 * Called once everything that has come in this turn of the event loop has been read. Answers and questions that leave one right after the
 * other wake their readers once; each on its own, with reading in between, it would wake them each time, and that costs more than to send it.
 */
export function atEndOfTurn(what: Waiting): void {
  if (waiting.push(what) === 1) setImmediate(endTurn)
}

function endTurn(): void {
  const ready = waiting
  waiting = spare
  spare = ready
  for (const each of ready) each.atEndOfTurn()
  ready.length = 0
}
