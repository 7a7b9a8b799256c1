import { syncBuiltinESMExports } from 'node:module'
import threads, { Worker } from 'node:worker_threads'

/** A disk of theirs may take so long, virtual ms. */
const DISK_MS = 500

/** What the process itself has asked of the system: files, addresses, connections. */
const requests = new Set(['FSReqCallback', 'FSReqPromise', 'GetAddrInfoReqWrap', 'TCPConnectWrap'])

/**
 * Watches all threads that are started from now on. The answer says whether time has to wait for one of them: it has not
 * said yet that it runs, has not answered a message for `DISK_MS`, or the process waits for a file.
 */
export function followThreads(): () => boolean {
  const starting = new Set<Worker>()
  /** When threads were sent what they have not answered, virtual ms. */
  const asked = new Map<Worker, number>()

  class FollowedWorker extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args)
      starting.add(this)
      const answered = () => {
        starting.delete(this)
        asked.delete(this)
      }
      this.on('message', answered)
      this.on('exit', answered)
    }
    override postMessage(...args: Parameters<Worker['postMessage']>): void {
      if (!asked.has(this)) asked.set(this, Date.now())
      super.postMessage(...args)
    }
  }
  Object.assign(threads, { Worker: FollowedWorker })
  syncBuiltinESMExports()
  const waits = () => starting.size > 0 || asked.values().some((since) => Date.now() - since >= DISK_MS)
  return () => waits() || process.getActiveResourcesInfo().some((name) => requests.has(name))
}
