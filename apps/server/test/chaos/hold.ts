let holders = 0

/** Whether time has to stand still. */
export const isHeld = (): boolean => holders > 0

/** No virtual time passes while this runs: what a process does before it serves, or what only the check does. */
export async function holding<T>(work: () => Promise<T>): Promise<T> {
  holders++
  try {
    return await work()
  } finally {
    holders--
  }
}
