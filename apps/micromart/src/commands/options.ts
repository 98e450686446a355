import { InvalidArgumentError } from 'commander'
import { MOST_INSTANCES } from '../start/ports.ts'

export function portOption(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535)
    throw new InvalidArgumentError('A port is a number from 1 to 65535.')
  return port
}

export function instancesOption(text: string): number {
  const instances = Number(text)
  if (!/^\d+$/.test(text) || instances < 1 || instances > MOST_INSTANCES)
    throw new InvalidArgumentError(`Instances are a number from 1 to ${MOST_INSTANCES}.`)
  return instances
}

export function secondsOption(text: string): number {
  const seconds = Number(text)
  if (text.trim() === '' || !Number.isFinite(seconds) || seconds < 0)
    throw new InvalidArgumentError('Seconds are a number from 0.')
  return seconds
}
