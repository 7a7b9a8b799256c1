import { createRestClient, RTClient } from '@candlewire/client'

/** The server that sent this page, unless `VITE_API_URL` or `VITE_WS_URL` name another when the page is built. */
export function connectToServer(page: Pick<Location, 'protocol' | 'host'>) {
  const { VITE_WS_URL, VITE_API_URL } = import.meta.env
  const socket = page.protocol === 'https:' ? 'wss:' : 'ws:'
  return {
    client: new RTClient({ url: VITE_WS_URL ?? `${socket}//${page.host}/ws/crypto` }),
    rest: createRestClient({ baseUrl: VITE_API_URL ?? '' }),
  }
}
