/** Handlers by event name. */
export interface Emitter<M> {
  /** Adds a handler; the returned function removes it, and only it. */
  on(event: string, handler: (message: M) => void): () => void
  emit(event: string, message: M): void
}

/**
 * Handlers are strangers to each other: one that throws, or returns a promise that rejects, is handed to `report`
 * and the next one still runs. A handler may add or remove handlers while an event is being delivered.
 */
export function createEmitter<M>(report: (event: string, error: unknown) => void): Emitter<M> {
  const byEvent = new Map<string, Set<{ call: (message: M) => unknown }>>()

  const run = (event: string, call: (message: M) => unknown, message: M) => {
    try {
      const result = call(message)
      if (result instanceof Promise) result.catch((error: unknown) => report(event, error))
    } catch (error) {
      report(event, error)
    }
  }

  return {
    on(event, handler) {
      const handlers = byEvent.get(event) ?? new Set()
      const entry = { call: handler }
      byEvent.set(event, handlers.add(entry))
      return () => {
        if (handlers.delete(entry) && handlers.size === 0 && byEvent.get(event) === handlers) byEvent.delete(event)
      }
    },
    emit(event, message) {
      for (const { call } of [...(byEvent.get(event) ?? [])]) run(event, call, message)
    },
  }
}
