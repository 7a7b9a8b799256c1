/**
 * Runs loops side by side until all have ended. When one fails, the others' signal aborts; rejects with the first error
 * after all have stopped.
 */
export async function together(
  signal: AbortSignal,
  loops: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const stop = new AbortController()
  const joint = AbortSignal.any([signal, stop.signal])
  const errors: unknown[] = []
  const running = loops.map((loop) =>
    loop(joint).catch((error: unknown) => {
      errors.push(error)
      stop.abort()
    }),
  )
  await Promise.all(running)
  if (errors.length > 0) throw errors[0]
}
