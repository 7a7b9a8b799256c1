import Table from 'cli-table3'

/** A table of text for people, the first column to the left, all others to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const made = new Table({
    head: [...head],
    colAligns: head.map((_, index) => (index === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) made.push(row.map((cell) => (typeof cell === 'number' ? count(cell) : cell)))
  return made.toString()
}

/** A whole number with its thousands set apart: `1,995`. */
export const count = (number: number): string => number.toLocaleString('en-US')

/** `1 candle`, `2 candles`. */
export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${count(number)} ${number === 1 ? one : many}`
