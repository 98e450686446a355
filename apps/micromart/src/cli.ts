import { Command, CommanderError } from 'commander'
import type { CliContext } from './cli-context.ts'
import { deadLetterCommand } from './commands/dead-letters.ts'
import { doctorCommand } from './commands/doctor.ts'
import { importCommand } from './commands/import.ts'
import { serveCommand } from './commands/serve.ts'
import { startCommand } from './commands/start.ts'
import { verifyCommand } from './commands/verify.ts'
import { explain } from './fault.ts'

/** Runs one command line and gives its exit code: 0 done, 1 failed, 2 the words were wrong. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode = 0
  const finish = (code: number) => {
    exitCode = code
  }
  const program = new Command('micromart')
    .description('MicroMart: the checkout you can kill. Run a shop back end, look after it, prove it.')
    .exitOverride()
    .showHelpAfterError('(add --help for what is possible)')
  program.addCommand(startCommand(context, finish))
  program.addCommand(serveCommand(context))
  program.addCommand(importCommand(context, finish))
  program.addCommand(verifyCommand(context, finish))
  program.addCommand(deadLetterCommand(context, finish))
  program.addCommand(doctorCommand(finish))
  for (const command of program.commands) command.exitOverride().showHelpAfterError('(add --help for what is possible)')
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
