import { count } from '../table.ts'
import type { CaptureWriter } from './writer.ts'

/** Each call tells how many frames have come, how fast since the call before, and how much is on the disk. */
export function createFrameRate(
  frames: () => number,
  writer: Pick<CaptureWriter, 'bytes' | 'lost' | 'files'>,
  now: () => number = () => performance.now(),
): () => string {
  let before = { frames: frames(), at: now() }
  return () => {
    const [all, at] = [frames(), now()]
    const perSecond = Math.round(((all - before.frames) / Math.max(1, at - before.at)) * 1_000)
    before = { frames: all, at }
    const lost = writer.lost() ? `, ${count(writer.lost())} lost` : ''
    const megabytes = (writer.bytes() / 1e6).toFixed(1)
    return `record: ${count(all)} frames, ${count(perSecond)}/s, ${megabytes} MB in ${count(writer.files().length)} files${lost}`
  }
}
