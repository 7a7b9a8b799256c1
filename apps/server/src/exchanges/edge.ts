export { edge } from '../lib/edge.ts'
