import {
  CandlestickSeries,
  ColorType,
  CrosshairMode,
  createChart,
  HistogramSeries,
  type IChartApi,
  type MouseEventParams,
} from 'lightweight-charts'
import type { Bar, Hole } from '../live/bars.ts'
import { formatMoment, formatPrice, priceDecimals } from '../live/format.ts'
import { createHoleShading } from './holes.ts'
import { layOut, toCandlePoint, toVolumePoint } from './points.ts'
import { type ChartTheme, onThemeChange, readTheme } from './theme.ts'

/** Candles on the screen after another series was opened, and free slots to their right. */
const FIRST_LOOK = 140
const RIGHT_SPACE = 6
/** Fewer bars than this left of the screen: time to fetch older ones. */
const NEARLY_OUT = 60

export interface ChartEvents {
  /** The reader nears the left end. */
  needOlder(): void
  /** The bar under the pointer, or the newest. */
  look(bar: Bar | undefined): void
  /** Whether the newest bar is on the screen. */
  atNewest(visible: boolean): void
}

/** Candles with volume beneath, drawn into `container` until `signal` aborts. */
export function createCandleChart(container: HTMLElement, events: ChartEvents, signal: AbortSignal) {
  let theme = readTheme()
  let bars: readonly Bar[] = []
  let timeframe = '1m'
  let tail: Hole | undefined
  let decimals = 2
  let hovered: number | undefined

  const chart = createChart(container, { autoSize: true, ...lookOf(theme) })
  const candles = chart.addSeries(CandlestickSeries, { borderVisible: false, priceLineStyle: 2 })
  const volumes = chart.addSeries(HistogramSeries, {
    priceScaleId: '',
    priceFormat: { type: 'volume' },
    lastValueVisible: false,
    priceLineVisible: false,
  })
  candles.priceScale().applyOptions({ scaleMargins: { top: 0.1, bottom: 0.22 } })
  volumes.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } })
  const holes = createHoleShading(chart, () => ({ hatch: theme.hole, text: theme.text }))
  candles.attachPrimitive(holes.primitive)

  const paint = () => {
    chart.applyOptions(lookOf(theme))
    const { up: upColor, down: downColor } = theme
    candles.applyOptions({ upColor, downColor, wickUpColor: upColor, wickDownColor: downColor })
  }

  const draw = () => {
    const points = layOut(bars, timeframe, theme, tail)
    candles.setData(points.candles)
    volumes.setData(points.volumes)
    holes.show(points.runs)
  }

  const look = () => events.look(hovered === undefined ? bars.at(-1) : bars.find(({ time }) => time === hovered))

  const format = () => {
    decimals = priceDecimals(bars.slice(-50).flatMap(({ open, high, low, close }) => [open, high, low, close]))
    candles.applyOptions({ priceFormat: { type: 'price', precision: decimals, minMove: 10 ** -decimals } })
    const seconds = timeframe.endsWith('s')
    chart.applyOptions({
      timeScale: { timeVisible: !/[dwM]$/.test(timeframe), secondsVisible: seconds },
      localization: {
        locale: 'en-US',
        priceFormatter: (price: number) => formatPrice(price, decimals),
        timeFormatter: (time: unknown) => (typeof time === 'number' ? formatMoment(time * 1000, seconds) : ''),
      },
    })
  }

  chart.subscribeCrosshairMove(({ time }: MouseEventParams) => {
    hovered = typeof time === 'number' ? time * 1000 : undefined
    look()
  })
  chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    if (range && bars.length && range.from < NEARLY_OUT) events.needOlder()
    events.atNewest(!bars.length || chart.timeScale().scrollPosition() > -1)
  })
  onThemeChange(() => {
    theme = readTheme()
    paint()
    draw()
  }, signal)
  signal.addEventListener('abort', () => chart.remove())
  paint()

  return {
    layout(next: readonly Bar[], frame: string, fresh: boolean, missing?: Hole) {
      tail = missing
      bars = next
      timeframe = frame
      format()
      draw()
      chart.priceScale('right').applyOptions({ visible: bars.length > 0, ...(fresh && { autoScale: true }) })
      if (fresh) showNewest(chart)
      look()
    },
    put(bar: Bar, change: 'last' | 'older') {
      candles.update(toCandlePoint(bar), change === 'older')
      volumes.update(toVolumePoint(bar, theme), change === 'older')
      look()
    },
    clear() {
      bars = []
      tail = undefined
      hovered = undefined
      chart.clearCrosshairPosition()
      chart.priceScale('right').applyOptions({ visible: false })
      draw()
      look()
    },
    /** Back to the newest candle. */
    toNewest: () => chart.timeScale().scrollToRealTime(),
  }
}

function showNewest(chart: IChartApi) {
  const width = chart.timeScale().width()
  const look = Math.min(FIRST_LOOK, Math.max(40, Math.round(width / 7)))
  chart.timeScale().applyOptions({ barSpacing: width / (look + RIGHT_SPACE), rightOffset: RIGHT_SPACE })
  chart.timeScale().scrollToPosition(RIGHT_SPACE, false)
}

const lookOf = ({ text, grid, line, label }: ChartTheme) => ({
  layout: {
    background: { type: ColorType.Solid as const, color: 'transparent' },
    textColor: text,
    fontSize: 11,
    fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
    // The page's footer carries the attribution; the library's logo would need inline styles.
    attributionLogo: false,
  },
  grid: { vertLines: { color: grid }, horzLines: { color: grid } },
  rightPriceScale: { borderVisible: false },
  timeScale: { borderVisible: false, rightOffset: RIGHT_SPACE },
  crosshair: {
    mode: CrosshairMode.Normal,
    vertLine: { color: line, labelBackgroundColor: label },
    horzLine: { color: line, labelBackgroundColor: label },
  },
})
