// Starts a server on the directory named by the first argument, prints its pid and keeps it until killed.
import { startEmbeddedPostgres } from '../src/embedded-postgres.ts'

const server = await startEmbeddedPostgres({ dataDir: process.argv[2] ?? '' })
process.stdout.write(`${server.pid}\n`)
process.once('SIGTERM', () => void server.stop())
