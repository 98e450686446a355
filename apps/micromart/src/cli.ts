import { Command, CommanderError } from 'commander'
import type { CliContext } from './cli-context.ts'
import { explain } from './fault.ts'

type LoadCommand = (context: CliContext, finish: (code: number) => void) => Promise<Command>

/** Each loaded when it is asked for: a start that reads less is sooner done. */
const commands: Readonly<Record<string, LoadCommand>> = {
  start: async (context, finish) => (await import('./commands/start.ts')).startCommand(context, finish),
  serve: async (context) => (await import('./commands/serve.ts')).serveCommand(context),
  import: async (context, finish) => (await import('./commands/import.ts')).importCommand(context, finish),
  verify: async (context, finish) => (await import('./commands/verify.ts')).verifyCommand(context, finish),
  'dead-letters': async (context, finish) =>
    (await import('./commands/dead-letters.ts')).deadLetterCommand(context, finish),
  doctor: async (_context, finish) => (await import('./commands/doctor.ts')).doctorCommand(finish),
}

/** Runs one command line and gives its exit code: 0 done, 1 failed, 2 the words were wrong. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode = 0
  const program = await programFor(args[0], context, (code) => {
    exitCode = code
  })
  try {
    if (args.length === 0) program.outputHelp()
    else await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const sentence = explain(error)
    console.error(sentence ?? error)
    return 1
  }
}

/** With the command that is named, or with all of them if it is none of them. */
async function programFor(name: string | undefined, context: CliContext, finish: (code: number) => void) {
  const hint = '(add --help for what is possible)'
  const program = new Command('micromart')
    .description('MicroMart: the checkout you can kill. Run a shop back end, look after it, prove it.')
    .exitOverride()
    .showHelpAfterError(hint)
  const named = Object.entries(commands).filter(([known]) => known === name)
  for (const [, load] of named.length > 0 ? named : Object.entries(commands)) {
    const command = await load(context, finish)
    program.addCommand(command.exitOverride().showHelpAfterError(hint))
  }
  return program
}
