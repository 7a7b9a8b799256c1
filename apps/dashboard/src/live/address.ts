import { onScopeDispose, shallowRef } from 'vue'
import { type Route, readRoute, writeRoute } from './route.ts'

/** The route in the address bar: reads it, follows it, and `go` changes it. */
export function useAddress() {
  const route = shallowRef<Route>(readRoute(location.hash))
  const follow = () => {
    const read = readRoute(location.hash, route.value)
    if (writeRoute(read) !== writeRoute(route.value)) route.value = read
  }
  const go = (part: Partial<Route>) => {
    location.hash = writeRoute({ ...route.value, ...part })
    follow()
  }
  if (location.hash !== writeRoute(route.value)) history.replaceState(null, '', writeRoute(route.value))
  addEventListener('hashchange', follow)
  onScopeDispose(() => removeEventListener('hashchange', follow))
  return { route, go }
}
