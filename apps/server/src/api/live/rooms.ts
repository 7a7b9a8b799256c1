import { type Channel, keyOf, patternsOf } from './channel.ts'

/** Who listens to what. Patterns may hold `*`. */
export interface Rooms<T> {
  join(pattern: Channel, member: T): void
  /** Answers whether nobody is left. */
  leave(pattern: Channel, member: T): boolean
  /** Members whose patterns hold the channel, each once. */
  members(channel: Channel): Iterable<T>
}

export function createRooms<T>(): Rooms<T> {
  const rooms = new Map<string, Set<T>>()
  /** Patterns of each channel, kept because a channel is published to very often. */
  const patterns = new Map<string, string[]>()

  const patternsFor = (channel: Channel): string[] => {
    const key = keyOf(channel)
    const known = patterns.get(key)
    if (known) return known
    const made = patternsOf(channel)
    patterns.set(key, made)
    return made
  }

  return {
    join(pattern, member) {
      const key = keyOf(pattern)
      const room = rooms.get(key) ?? new Set<T>()
      rooms.set(key, room.add(member))
    },
    leave(pattern, member) {
      const key = keyOf(pattern)
      const room = rooms.get(key)
      room?.delete(member)
      if (room?.size === 0) rooms.delete(key)
      return !rooms.has(key)
    },
    members(channel) {
      const found = patternsFor(channel).flatMap((key) => rooms.get(key) ?? [])
      if (found.length < 2) return found[0] ?? []
      const all = new Set<T>()
      for (const room of found) for (const member of room) all.add(member)
      return all
    },
  }
}
