import { Command, InvalidArgumentError, Option } from 'commander'
import { compare } from './gateway/compare.ts'
import { type ContenderName, contenderNames } from './gateway/contenders.ts'
import { soak } from './gateway/soak.ts'

interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  readonly only: readonly ContenderName[]
  readonly offered: number | false
  readonly processes: number
  readonly requests?: number
  readonly json?: true
}

function atLeastOne(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.')
  return Number(text)
}

await new Command('bench:gateway')
  .description(
    'requests a second through one gateway on one core, ours and others by turns; then ours with several processes at a fixed rate. Exit code 1 if any request failed',
  )
  .option('--rounds <n>', 'rounds; in each of them all take turns', atLeastOne, 5)
  .option('--seconds <n>', 'length of one measurement', atLeastOne, 5)
  .option('--connections <n>', 'how many ask at the same time', atLeastOne, 64)
  .addOption(
    new Option('--only <name...>', 'only these').choices([...contenderNames]).default([...contenderNames], 'all'),
  )
  .option('--offered <n>', 'requests a second offered to several processes', atLeastOne, 10_000)
  .option('--no-offered', 'leave that out')
  .option('--processes <n>', 'gateway processes that share the port then', atLeastOne, 2)
  .option('--requests <n>', 'instead: send so many to our gateway and watch its memory', atLeastOne)
  .option('--json', 'print one JSON document')
  .action(async (options: Options) => {
    const say = options.json ? () => {} : (line: string) => console.log(line)
    const { requests } = options
    const result = await (requests === undefined ? compare({ ...options, say }) : soak({ ...options, requests, say }))
    if (options.json) console.log(JSON.stringify(result))
    process.exitCode = result.failed ? 1 : 0
  })
  .parseAsync()
