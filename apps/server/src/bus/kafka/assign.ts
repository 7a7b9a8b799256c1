import type { GroupPartitionsAssigner } from '@platformatic/kafka'

/**
 * Gives the partitions of one number, in all topics, to one member: a market is in the same partition of each, so all that
 * is said of a market reaches one process.
 */
export const assignAlike: GroupPartitionsAssigner = (_current, members, topics, metadata) => {
  const ids = [...members.keys()].sort()
  const shares = new Map(ids.map((memberId) => [memberId, new Map<string, { topic: string; partitions: number[] }>()]))
  for (const topic of [...topics].sort()) {
    const readers = ids.filter((id) => members.get(id)?.topics?.includes(topic) ?? true)
    const count = readers.length > 0 ? (metadata.topics.get(topic)?.partitionsCount ?? 0) : 0
    for (let partition = 0; partition < count; partition++) {
      const share = shares.get(readers[partition % readers.length]!)
      const known = share?.get(topic)
      if (known) known.partitions.push(partition)
      else share?.set(topic, { topic, partitions: [partition] })
    }
  }
  return [...shares].map(([memberId, assignments]) => ({ memberId, assignments }))
}
