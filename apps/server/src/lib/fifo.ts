/** First in, first out, in constant time however long it grows. */
export interface Fifo<T> {
  push(item: T): void
  shift(): T | undefined
  /** The item that `shift` would return. */
  peek(): T | undefined
  size(): number
  clear(): void
}

/** Taken slots are given back once they are more than this and more than half. */
const SLACK = 64

export function fifo<T>(): Fifo<T> {
  let items: (T | undefined)[] = []
  let head = 0
  const tidy = () => {
    if (head > SLACK && head * 2 > items.length) {
      items = items.slice(head)
      head = 0
    }
  }
  return {
    push: (item) => {
      items.push(item)
    },
    shift: () => {
      if (head >= items.length) return undefined
      const item = items[head]
      items[head++] = undefined
      tidy()
      return item
    },
    peek: () => items[head],
    size: () => items.length - head,
    clear: () => {
      items = []
      head = 0
    },
  }
}
