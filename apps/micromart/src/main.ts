import module from 'node:module'
import { fileURLToPath } from 'node:url'

/** Compiled code is kept, unless NODE_COMPILE_CACHE names another place: without it half of a start is compiling. Where nothing can be written, it is done each time. */
module.enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/micromart/compiled', import.meta.url)))

const { runCli } = await import('./cli.ts')
process.exitCode = await runCli(process.argv.slice(2), { environment: process.env })
