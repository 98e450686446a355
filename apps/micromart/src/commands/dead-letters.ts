import { userInfo } from 'node:os'
import { systemClock } from '@micromart/kernel/clock'
import { isUuid } from '@micromart/kernel/ids'
import { createAuditLog } from '@micromart/postgres/audit-log'
import { openDatabase } from '@micromart/postgres/database'
import {
  type DeadLetter,
  decideDeadLetter,
  findDeadLetter,
  forgetInInbox,
  listDeadLetters,
} from '@micromart/postgres/dead-letters'
import { createTimers } from '@micromart/postgres/timers'
import { REPLAY_TIMER } from '@micromart/service-kit/dead-letter-replay'
import { Command } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { Fault } from '../fault.ts'
import { type Databases, databaseOptions, openInstallation } from './installation.ts'

/** Dead letters lie in the database of the service that could not handle them. */
export function deadLetterCommand(context: CliContext, finish: (code: number) => void): Command {
  const command = new Command('dead-letters').description(
    'messages that could not be handled: look at them, replay or discard them',
  )
  const sub = (name: string, description: string) =>
    databaseOptions(new Command(name).description(description)).exitOverride()
  const within = <T>(options: object, work: (databases: Databases) => Promise<T>) =>
    openInstallation(options, context, work)

  command.addCommand(
    sub('list', 'all that wait for a decision')
      .option('--all', 'also those replayed or discarded')
      .option('--json', 'print one JSON document')
      .action((options: { all?: true; json?: true }) =>
        within(options, async (databases) => {
          const letters = (await Promise.all(databases.map(({ url }) => read(url, options.all ?? false)))).flat()
          console.log(options.json ? JSON.stringify(letters) : letters.map(line).join('\n') || 'No dead letters.')
        }),
      ),
  )
  command.addCommand(
    sub('show', 'one with its body')
      .argument('<id>')
      .action((id: string, options: object) =>
        within(options, async (databases) =>
          console.log(JSON.stringify((await locate(databases, id)).letter, null, 2)),
        ),
      ),
  )
  command.addCommand(
    sub('replay', 'handle one again; the running service does it')
      .argument('<id>')
      .action((id: string, options: object) =>
        within(options, async (databases) => {
          const { url, letter } = await locate(databases, id)
          await decide(url, letter, 'replaying')
          console.log(`${id} will be handled again by ${letter.consumer}.`)
          finish(0)
        }),
      ),
  )
  command.addCommand(
    sub('discard', 'give one up for good; it is kept for the record')
      .argument('<id>')
      .action((id: string, options: object) =>
        within(options, async (databases) => {
          const { url, letter } = await locate(databases, id)
          await decide(url, letter, 'discarded')
          console.log(`${id} is discarded.`)
          finish(0)
        }),
      ),
  )
  return command
}

const line = ({ id, consumer, type, code, attempts, diedAt, state }: DeadLetter) =>
  `${id}  ${consumer}  ${type ?? '(unreadable)'}  ${code}  ${attempts} attempts  ${diedAt.toISOString()}  ${state}`

async function read(url: string, all: boolean) {
  const database = openDatabase({ url, poolSize: 1 })
  try {
    return await listDeadLetters(database, { all })
  } finally {
    await database.close()
  }
}

async function locate(databases: Databases, id: string): Promise<{ url: string; letter: DeadLetter }> {
  for (const { url } of isUuid(id) ? databases : []) {
    const database = openDatabase({ url, poolSize: 1 })
    const letter = await findDeadLetter(database, id).finally(() => database.close())
    if (letter) return { url, letter }
  }
  throw new Fault(`There is no dead letter ${id}. See them with micromart dead-letters list.`)
}

async function decide(url: string, letter: DeadLetter, to: 'replaying' | 'discarded') {
  const database = openDatabase({ url, poolSize: 1 })
  const at = systemClock.now()
  const by = userInfo().username
  try {
    await database.transaction(async (tx) => {
      const moved = await decideDeadLetter(tx, { id: letter.id, from: 'waiting', to, by, at })
      if (!moved) throw new Fault(`${letter.id} does not wait any more: it is ${letter.state}.`)
      if (to === 'replaying') {
        await forgetInInbox(tx, letter)
        await createTimers(() => {}).schedule(tx, [
          {
            id: `${REPLAY_TIMER}:${letter.id}:${at.getTime()}`,
            kind: REPLAY_TIMER,
            subject: letter.id,
            data: {},
            dueAt: at,
          },
        ])
      }
      await createAuditLog({ clock: systemClock }).append(tx, {
        ...{
          actor: `operator:${by}`,
          action: `dead-letter.${to === 'replaying' ? 'replayed' : to}`,
          subject: letter.id,
        },
        details: { consumer: letter.consumer, type: letter.type, messageId: letter.messageId },
      })
    })
  } finally {
    await database.close()
  }
}
