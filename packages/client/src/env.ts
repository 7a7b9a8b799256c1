/** Where the client connects when nobody says otherwise. */
export interface ClientEnv {
  readonly wsUrl: string
  readonly apiUrl: string
  /** True replaces the socket with generated data. */
  readonly useMock: boolean
}

type Variables = Readonly<Record<string, unknown>>

/**
 * Reads `VITE_WS_URL`, `VITE_API_URL` and `VITE_USE_MOCK`. Vite puts them on `import.meta.env`, Node on
 * `process.env`; each of the two may be missing. What Vite says wins.
 */
export function readEnv(vite: Variables = viteVariables(), node: Variables = nodeVariables()): ClientEnv {
  const text = (name: string, otherwise: string): string => {
    const value = vite[name] ?? node[name]
    return typeof value === 'string' && value !== '' ? value : otherwise
  }
  return {
    wsUrl: text('VITE_WS_URL', 'ws://localhost:8080/ws/crypto'),
    apiUrl: text('VITE_API_URL', 'http://localhost:8080'),
    useMock: text('VITE_USE_MOCK', 'false').toLowerCase() === 'true',
  }
}

/** Vite swaps the whole expression `import.meta.env` for an object when it builds; elsewhere it is undefined. */
function viteVariables(): Variables {
  return (import.meta as ImportMeta & { readonly env?: Variables }).env ?? {}
}

function nodeVariables(): Variables {
  return typeof process === 'object' && process !== null ? (process.env ?? {}) : {}
}
