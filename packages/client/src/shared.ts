import { RTClient } from './rt-client.ts'

let shared: RTClient | undefined

/** The one instance that all parts of an application share; made at the first call. */
export function getRTClient(): RTClient {
  shared ??= new RTClient()
  return shared
}

/** Closes the shared instance and stops its reconnecting. The next `getRTClient` makes a fresh one. */
export function disconnectRT(): void {
  shared?.disconnect()
  shared = undefined
}
