import { SingleBar } from 'cli-progress'
import type { CommandContext } from './context.ts'
import { say } from './context.ts'
import { count } from './table.ts'

/** How far a command has come. `advance` may be called as often as you like. */
export interface Progress {
  readonly advance: (done: number, rows: number) => void
  readonly end: () => void
}

const LINE_EVERY_MS = 10_000

/** A bar on a terminal; otherwise a plain line every ten seconds. `unit` names what is counted on the way. */
export function createProgress(
  { err }: Pick<CommandContext, 'err'>,
  title: string,
  total: number,
  unit: string,
  now: () => number = () => performance.now(),
): Progress {
  const started = now()
  let done = 0
  let rows = 0
  const speed = (): string => `${count(Math.round((rows / Math.max(1, now() - started)) * 1_000))} ${unit}/s`
  const percent = (): string => `${Math.min(100, Math.floor((done / Math.max(1, total)) * 100))} %`
  if (err.isTTY) {
    const format = `${title} {bar} {percentage} %  {rows} ${unit}  {speed}  {eta_formatted} left`
    const bar = new SingleBar({ format, stream: err, hideCursor: true, etaBuffer: 50, fps: 8 })
    bar.start(total, 0, { rows: '0', speed: speed() })
    return {
      advance(more, moreRows) {
        done += more
        rows += moreRows
        bar.update(Math.min(done, total), { rows: count(rows), speed: speed() })
      },
      end: () => bar.stop(),
    }
  }
  let said = started
  return {
    advance(more, moreRows) {
      done += more
      rows += moreRows
      if (now() - said < LINE_EVERY_MS) return
      said = now()
      say({ err }, `${title}: ${percent()}, ${count(rows)} ${unit}, ${speed()}`)
    },
    end: () => undefined,
  }
}
