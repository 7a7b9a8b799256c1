import type { Logger } from '../lib/log.ts'
import { persevere } from '../lib/persevere.ts'
import type { Store } from '../store/store.ts'

/** How old what is kept beside candles and trades may become, ms. */
interface Ages {
  readonly revisionMs: number
  readonly jobMs: number
}

/** Deletes old revisions of candles and jobs that ended long ago; trades are pruned by whoever keeps their ledger. */
export async function prune(
  store: Pick<Store, 'pruneRevisions' | 'pruneJobs'>,
  { revisionMs, jobMs }: Ages,
  log: Logger,
  signal: AbortSignal,
  now = Date.now(),
): Promise<void> {
  const kept = async (work: () => Promise<number>) => persevere(work, 'delete what is old', log, signal)
  const revisions = await kept(() => store.pruneRevisions(now - revisionMs))
  const jobs = await kept(() => store.pruneJobs(now - jobMs))
  if (revisions + jobs > 0) log.info({ revisions, jobs }, 'old revisions and finished jobs deleted')
}
