import { resolve } from 'node:path'
import { Command } from 'commander'
import type { CliContext } from '../cli-context.ts'
import { Fault } from '../fault.ts'
import { askedToStop } from '../start/asked-to-stop.ts'
import { loadDemoCatalogue } from '../start/demo-catalogue.ts'
import { giveBackMemory } from '../start/give-back-memory.ts'
import { startOneProcess } from '../start/one-process.ts'
import { startSplit } from '../start/split.ts'
import { welcome } from '../start/welcome.ts'
import { instancesOption, portOption } from './options.ts'

interface Options {
  readonly port: number
  readonly data: string
  readonly fresh?: true
  readonly split?: true
  readonly instances: number
}

export const startCommand = (context: CliContext, finish: (code: number) => void): Command =>
  new Command('start')
    .description('start the whole shop: gateway, eight services and their database, with a demo catalogue')
    .option('--port <n>', 'port of the gateway', portOption, 3000)
    .option('--data <dir>', 'where database, secrets and log are kept', '.data')
    .option('--fresh', 'throw the data away first')
    .option(
      '--split',
      'a process per service, supervised, on RabbitMQ (AMQP_URL) and PostgreSQL (POSTGRES_URL, else embedded)',
    )
    .option('--instances <n>', 'processes of each service and of the gateway, with --split', instancesOption, 1)
    .addHelpText('after', '\nStop it with Ctrl-C. The next start finds the data again.')
    .action(async ({ port, data, fresh, split, instances }: Options) => {
      if (instances > 1 && !split) throw new Fault('Several instances are several processes: add --split.')
      const asked = askedToStop() // from now on: who is told to end while starting stops in order, once started
      const options = {
        port,
        dataDir: resolve(data),
        instances,
        fresh: fresh ?? false,
        environment: context.environment,
        onProgress: (line: string) => console.log(line),
      }
      const shop = await (split ? startSplit(options) : startOneProcess(options))
      const loaded = await loadDemoCatalogue({ url: shop.url, onProgress: options.onProgress })
      console.log(welcome({ url: shop.url, dataDir: options.dataDir, catalogue: loaded }))
      giveBackMemory()
      const why = await Promise.race([asked, shop.broken])
      console.log(typeof why === 'object' ? '\nStopping: finishing what is running' : `\n${why} Stopping.`)
      await shop.close()
      console.log('Stopped. Everything is kept for the next start.')
      finish(typeof why === 'object' ? 0 : 1)
    })
