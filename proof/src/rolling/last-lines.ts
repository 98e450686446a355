import { open } from 'node:fs/promises'

const TAIL_BYTES = 256 * 1024

/** The last lines in a log that a service has said, or that nobody put a name to, such as the stack of an error. */
export async function lastLines(logFile: string, service: string, most = 5): Promise<readonly string[]> {
  const file = await open(logFile)
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - TAIL_BYTES)
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - from), position: from })
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n').filter(Boolean)
    return lines.filter((line) => isOf(line, service)).slice(-most)
  } finally {
    await file.close()
  }
}

function isOf(line: string, service: string): boolean {
  try {
    return (JSON.parse(line) as { service?: unknown }).service === service
  } catch {
    return true
  }
}
