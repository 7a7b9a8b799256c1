import { createHmac } from 'node:crypto'
import { queryString } from '../query.ts'

type Query = Readonly<Record<string, string | number>>

/** Adds `signature`: HMAC-SHA256 in hex over the query exactly as it will be sent, percent-encoding included. */
export const signed = (query: Query, secret: string): Query => ({
  ...query,
  signature: createHmac('sha256', secret).update(queryString(query)).digest('hex'),
})
