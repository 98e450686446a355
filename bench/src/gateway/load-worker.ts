import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { createLatencies } from './latencies.ts'
import type { LoadPart, LoadWork } from './load.ts'

/**
 * Sends one request over and over on kept connections and reads no more of the answers than where they end: Node's own client would be slower
 * than what is measured. With a rate, requests are due at fixed times whether or not answers come, and a latency counts from when the
 * request was due, so that a server that stands still cannot hide it.
 */
const work = JSON.parse(process.argv[2] ?? '') as LoadWork
const request = Buffer.from(work.request, 'latin1')
const latencies = createLatencies()
const errors: Record<string, number> = {}
let answers = 0
let allAnswers = 0
let isCounting = false
let isOver = false

interface Line {
  socket: Socket
  dueAt: number
  isBusy: boolean
  rest: string
}

const failed = (what: string) => {
  if (isCounting) errors[what] = (errors[what] ?? 0) + 1
}

const HEAD_END = '\r\n\r\n'
const LENGTH = /\r\ncontent-length: *(\d+)/i

/** Bytes of the answer that `text` begins with; 0 when it is not all there. */
function answerLength(text: string): number {
  const head = text.indexOf(HEAD_END)
  if (head < 0) return 0
  const length = LENGTH.exec(text.slice(0, head))
  if (!length) throw new Error('an answer does not tell its length')
  const whole = head + HEAD_END.length + Number(length[1])
  return text.length >= whole ? whole : 0
}

const idle: Line[] = []
const waiting: number[] = []
let waitingFrom = 0

function open(): Line {
  const line: Line = { socket: dial(), dueAt: 0, isBusy: false, rest: '' }
  function dial(): Socket {
    const socket = connect({ port: work.port, host: '127.0.0.1', noDelay: true })
    return socket
      .setEncoding('latin1')
      .on('data', (text: unknown) => take(line, String(text)))
      .on('error', () => {})
      .on('close', () => {
        if (isOver) return
        if (line.isBusy) failed('connection closed')
        line.rest = ''
        line.socket = dial()
        if (line.isBusy) done(line)
      })
  }
  return line
}

function take(line: Line, text: string) {
  line.rest = line.rest === '' ? text : line.rest + text
  const length = answerLength(line.rest)
  if (length === 0) return
  const status = line.rest.slice(9, 12)
  line.rest = line.rest.slice(length)
  if (status !== work.expected) failed(status)
  allAnswers += 1
  if (isCounting) {
    latencies.add((performance.now() - line.dueAt) * 1_000)
    answers += 1
  }
  done(line)
}

function done(line: Line) {
  line.isBusy = false
  if (isOver) return
  if (work.perSecond === undefined) return ask(line, performance.now())
  const dueAt = waiting[waitingFrom]
  if (dueAt === undefined) return void idle.push(line)
  waitingFrom += 1
  if (waitingFrom > 10_000) {
    waiting.splice(0, waitingFrom)
    waitingFrom = 0
  }
  ask(line, dueAt)
}

function ask(line: Line, dueAt: number) {
  line.dueAt = dueAt
  line.isBusy = true
  line.socket.write(request)
}

/** Makes requests due at their times, however late this loop itself comes round. */
async function offer(perSecond: number) {
  const startedAt = performance.now()
  for (let due = 0; !isOver && performance.now() < endsAt; await pause(1)) {
    const until = ((performance.now() - startedAt) * perSecond) / 1_000
    for (; due < until; due += 1) {
      const dueAt = startedAt + (due * 1_000) / perSecond
      const line = idle.pop()
      if (line) ask(line, dueAt)
      else waiting.push(dueAt)
    }
  }
}

/** Until what was due in time is answered, or for so long. */
const LAST_ANSWERS_MS = 2_000

async function lastAnswers(until: number) {
  const isDone = () => waiting.length === waitingFrom && idle.length === lines.length
  while (!isDone() && performance.now() < until) await pause(1)
}

/** When nothing more is due: set once the warm-up is over. */
let endsAt = Number.POSITIVE_INFINITY
const lines = Array.from({ length: work.connections }, open)
if (work.perSecond === undefined) for (const line of lines) ask(line, performance.now())
else {
  idle.push(...lines)
  void offer(work.perSecond)
}
await pause(work.warmUpMs)
isCounting = true
const startedAt = performance.now()
endsAt = startedAt + (work.lengthMs ?? Number.POSITIVE_INFINITY)
while (performance.now() < endsAt && answers < (work.requests ?? Number.POSITIVE_INFINITY))
  await pause(Math.min(100, Math.max(1, endsAt - performance.now())))
const seconds = (performance.now() - startedAt) / 1_000
if (work.perSecond !== undefined) await lastAnswers(endsAt + LAST_ANSWERS_MS)
isCounting = false
isOver = true
for (const { socket } of lines) socket.destroy()
const part: LoadPart = {
  answers,
  allAnswers,
  seconds,
  latencies: latencies.toJSON(),
  errors,
  unanswered: waiting.length - waitingFrom,
}
process.stdout.write(JSON.stringify(part))
