/**
 * Collects what arrives and hands it over once per animation frame. `limit` bounds what a hidden tab, which draws no
 * frames, may pile up: the oldest go first.
 */
export function perFrame<T>(draw: (items: T[]) => void, limit: number) {
  let items: T[] = []
  let frame = 0
  return {
    add(item: T) {
      items.push(item)
      if (items.length > 2 * limit) items = items.slice(-limit)
      frame ||= requestAnimationFrame(() => {
        frame = 0
        const due = items
        items = []
        draw(due)
      })
    },
    clear() {
      cancelAnimationFrame(frame)
      frame = 0
      items = []
    },
  }
}
