import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(import.meta.resolve('@micromart/cli/main'))

/** The `micromart` command, started as a program of its own. */
export interface Program {
  readonly pid: number
  readonly output: () => string
  /** Waits until it has said this. */
  says(words: string): Promise<void>
  kill(signal: NodeJS.Signals): Promise<void>
  readonly ended: Promise<number | null>
}

export function startProgram(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Program {
  // biome-ignore lint/style/noProcessEnv: a program needs to find its own programs and its home
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH, HOME, NO_COLOR: '1', ...environment } })
  const output = collect(child)
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    pid: child.pid ?? 0,
    output: output.text,
    says: async (words) => {
      const over = ended.then((code) => {
        throw new Error(`micromart ${args.join(' ')} ended with ${code} before it said "${words}":\n${output.text()}`)
      })
      await Promise.race([output.contains(words), over])
    },
    kill: async (signal) => {
      child.kill(signal)
      await ended
    },
    ended,
  }
}

/** Runs a command to its end. */
export async function runProgram(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; output: string; lastLine: string }> {
  const program = startProgram(args, environment)
  const code = await program.ended
  const output = program.output()
  return { code, output, lastLine: output.trimEnd().split('\n').at(-1) ?? '' }
}

function collect({ stdout, stderr }: ChildProcess) {
  let text = ''
  const waiting = new Set<{ words: string; resolve: () => void }>()
  const add = (chunk: string) => {
    text += chunk
    for (const waiter of waiting) if (text.includes(waiter.words)) waiter.resolve()
  }
  stdout?.setEncoding('utf8').on('data', add)
  stderr?.setEncoding('utf8').on('data', add)
  return {
    text: () => text,
    contains: (words: string) =>
      new Promise<void>((resolve) => {
        if (text.includes(words)) resolve()
        else waiting.add({ words, resolve })
      }),
  }
}
