/** What is bound to a `?`. */
export type Value = number | string | null

/** Something that takes statements: a connection, or any free one. Rejects with the driver's errors. */
export interface Session {
  /** Rows as arrays; `R` is what the columns hold, the tables' types vouch for it. */
  rows<R extends readonly (number | string | null)[]>(sql: string, values?: readonly Value[]): Promise<R[]>
  /** How many rows were changed. */
  run(sql: string, values?: readonly Value[]): Promise<number>
}

/**
 * Rows to a statement, largest first: a list is cut into these, so that a few prepared statements serve every length.
 * The protocol allows 65,535 parameters, 500 rows of the widest table take 7,000.
 */
const SIZES = [500, 100, 20, 5, 1] as const

/**
 * Inserts any number of rows, many to a statement.
 * @param tail what follows the values: the rule for rows that exist
 */
export function bulkInsert(table: string, columns: readonly string[], tail = '') {
  const row = `(${columns.map(() => '?').join(',')})`
  const head = `INSERT INTO ${table} (${columns.join(',')}) VALUES `
  const statements = new Map(SIZES.map((size) => [size, `${head}${Array(size).fill(row).join(',')} ${tail}`]))
  return async (session: Session, rows: readonly (readonly Value[])[]): Promise<void> => {
    let at = 0
    for (const size of SIZES) {
      for (; rows.length - at >= size; at += size) {
        await session.run(statements.get(size)!, rows.slice(at, at + size).flat())
      }
    }
  }
}

/** Finds the rows of any number of keys. @param statement makes the text from the list of places `?,?,…` */
export function bulkFind<R extends readonly (number | string | null)[]>(statement: (places: string) => string) {
  const statements = new Map(SIZES.map((size) => [size, statement(Array(size).fill('?').join(','))]))
  return async (session: Session, keys: readonly number[]): Promise<R[]> => {
    const found: R[] = []
    for (let at = 0; at < keys.length; ) {
      const size = SIZES.findLast((one) => one >= keys.length - at) ?? SIZES[0]
      const some = keys.slice(at, at + size)
      // A key named twice is found once, so the last one fills the places left over.
      while (some.length < size) some.push(some.at(-1)!)
      for (const row of await session.rows<R>(statements.get(size)!, some)) found.push(row)
      at += size
    }
    return found
  }
}

/** `a = VALUES(a), b = VALUES(b)`: MySQL and MariaDB have no newer form in common. */
export const takeNew = (columns: readonly string[]): string =>
  columns.map((name) => `${name} = VALUES(${name})`).join(', ')

/** A time in ms as a DATETIME, which holds UTC here; the part of a second is left out. */
export const dateTime = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')

/** A bound, which may lie anywhere, for a column of whole numbers. */
export const whole = (value: number): number =>
  Math.min(Math.max(Math.floor(value), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
