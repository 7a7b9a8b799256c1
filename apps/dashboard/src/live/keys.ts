import { onScopeDispose } from 'vue'

/** Keys that work anywhere on the page except where someone types or chooses. */
export function useKeys(actions: Readonly<Record<string, () => void>>) {
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (event.target instanceof Element && event.target.closest('input, textarea, select, [role=listbox]')) return
    const action = actions[event.key]
    if (!action) return
    event.preventDefault()
    action()
  }
  addEventListener('keydown', press)
  onScopeDispose(() => removeEventListener('keydown', press))
}
