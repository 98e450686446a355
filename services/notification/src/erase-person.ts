import { ErasureRequested } from '@micromart/contracts/personal-data'
import type { Clock } from '@micromart/kernel/clock'
import type { Outbox } from '@micromart/postgres/outbox'
import type { Timer, TimerHandler, Timers } from '@micromart/postgres/timers'
import { type ErasureRequest, eraser } from '@micromart/service-kit/personal-data'
import { type MessageHandler, on } from '@micromart/service-kit/subscription'
import type { MailedPeople } from './ports.ts'

const ERASE_PERSON = 'erase-person'
const LOOK_AGAIN_MS = 2_000

/** Erases a person's mails once none of them is on its way any more: one that goes out later would stay. */
export function erasePerson(parts: { people: MailedPeople; outbox: Outbox; timers: Timers; clock: Clock }): {
  readonly handler: MessageHandler
  readonly timer: TimerHandler<ErasureRequest>
} {
  const { people, timers, clock } = parts
  const erase = eraser('notification', { ...parts, data: people })
  const lookAt = (dueAt: Date, data: ErasureRequest, context: Timer['context']): Timer => ({
    ...{ id: `${ERASE_PERSON}:${data.erasureId}:${dueAt.getTime()}`, kind: ERASE_PERSON, subject: data.erasureId },
    ...{ data, dueAt, context },
  })
  return {
    handler: on(ErasureRequested, (tx, batch) =>
      timers.schedule(
        tx,
        batch.map(({ data, context }) => lookAt(clock.now(), data, context)),
      ),
    ),
    timer: {
      kind: ERASE_PERSON,
      settle: async (tx, done) => {
        for (const {
          timer: { data, context },
        } of done)
          if (await people.awaitMail(tx, data))
            await timers.schedule(tx, [lookAt(new Date(clock.now().getTime() + LOOK_AGAIN_MS), data, context)])
          else await erase(tx, data, context)
      },
    },
  }
}
