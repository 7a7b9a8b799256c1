import { GenericError } from '@platformatic/kafka'
import { type Failure, failure, isFailure } from '../../lib/failure.ts'

/** Answers of the broker that mean: this record never. */
const REFUSALS = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP']

const known = (error: unknown): GenericError | undefined =>
  error instanceof Error && GenericError.isGenericError(error) ? error : undefined

/** Whether the broker gave an answer of this id (`MESSAGE_TOO_LARGE`), anywhere in the chain of causes. */
export const hasAnswer = (error: unknown, ...ids: string[]): boolean =>
  ids.some((id) => Boolean(known(error)?.findBy('apiId', id)))

export const isRefusal = (error: unknown): boolean => hasAnswer(error, ...REFUSALS)

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Any error of the client in our own terms; a failure stays what it is. */
export const unavailable = (error: unknown): Failure =>
  isFailure(error) ? error : failure('BUS_UNAVAILABLE', { reason: reasonOf(error) }, error)

export const refused = (topic: string, error: unknown): Failure =>
  failure('BUS_REFUSED', { topic, reason: reasonOf(error) }, error)
