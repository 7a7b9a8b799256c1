/** Colours of the chart, taken from the style sheet so that one place decides them. */
export interface ChartTheme {
  readonly text: string
  readonly grid: string
  readonly line: string
  readonly up: string
  readonly down: string
  readonly hole: string
  readonly label: string
}

export function readTheme(element: Element = document.documentElement): ChartTheme {
  const style = getComputedStyle(element)
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    text: color('muted'),
    grid: color('grid'),
    line: color('line-strong'),
    up: color('up'),
    down: color('down'),
    hole: color('hole'),
    label: color('label'),
  }
}

/** Calls back when the reader switches between dark and light, until `signal` aborts. */
export function onThemeChange(changed: () => void, signal: AbortSignal) {
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', changed, { signal })
}
