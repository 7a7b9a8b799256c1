import type { IChartApi, IPrimitivePaneRenderer, IPrimitivePaneView, ISeriesPrimitive, Time } from 'lightweight-charts'

/** A run of empty slots, by the times of its first and last. */
export interface EmptyRun {
  readonly first: Time
  readonly last: Time
}

type Target = Parameters<IPrimitivePaneRenderer['draw']>[0]

/** Hatches the runs in which nothing is known, behind the candles, so that a hole is seen as one. */
export function createHoleShading(chart: IChartApi, look: () => { hatch: string; text: string }) {
  let runs: readonly EmptyRun[] = []

  const bounds = ({ first, last }: EmptyRun): { left: number; right: number } | undefined => {
    const scale = chart.timeScale()
    const left = scale.timeToCoordinate(first)
    const right = scale.timeToCoordinate(last)
    const half = scale.options().barSpacing / 2
    return left === null || right === null ? undefined : { left: left - half, right: right + half }
  }

  const draw = (target: Target) => {
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      const { hatch: color, text } = look()
      for (const run of runs) {
        const box = bounds(run)
        if (!box || box.right < 0 || box.left > mediaSize.width) continue
        hatch(context, box.left, box.right, mediaSize.height, color)
        if (box.right - box.left > 64) caption(context, (box.left + box.right) / 2, mediaSize.height / 2, text)
      }
    })
  }

  const view: IPrimitivePaneView = { zOrder: () => 'bottom', renderer: () => ({ draw }) }
  let redraw = () => {}
  const primitive: ISeriesPrimitive<Time> = {
    attached: ({ requestUpdate }) => {
      redraw = requestUpdate
    },
    paneViews: () => [view],
  }
  return {
    primitive,
    show(next: readonly EmptyRun[]) {
      runs = next
      redraw()
    },
  }
}

function hatch(context: CanvasRenderingContext2D, left: number, right: number, height: number, color: string) {
  context.save()
  context.beginPath()
  context.rect(left, 0, right - left, height)
  context.clip()
  context.strokeStyle = color
  context.lineWidth = 1
  context.beginPath()
  for (let x = left - height; x < right; x += 9) {
    context.moveTo(x, height)
    context.lineTo(x + height, 0)
  }
  context.stroke()
  context.restore()
}

function caption(context: CanvasRenderingContext2D, x: number, y: number, color: string) {
  context.save()
  context.fillStyle = color
  context.font = '12px system-ui, sans-serif'
  context.textAlign = 'center'
  context.fillText('no data', x, y)
  context.restore()
}
