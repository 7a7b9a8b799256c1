import { fileURLToPath } from 'node:url'

/** Where `npm run build` puts the page. */
export const dashboardDir = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url))
