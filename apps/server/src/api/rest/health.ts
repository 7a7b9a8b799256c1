import type { Health, Ready } from '@candlewire/protocol'
import { HealthSchema, ReadySchema } from '@candlewire/protocol/schemas'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FeedBoard } from '../board.ts'
import type { ApiDeps, PartStatus } from '../deps.ts'
import { alwaysAnswers, pressureOf } from '../pressure.ts'
import { isoTime } from '../text.ts'

const tags = ['operation']
const healthSchema = { tags, summary: 'Whether the process lives, and how well', response: { 200: HealthSchema } }
const readySchema = {
  tags,
  summary: 'Whether requests can be answered',
  response: { 200: ReadySchema, 503: ReadySchema },
}
type Checks = Health['checks']

/** Told by `/ready`, but not needed: what is stored can be served without them. */
const LISTED: ReadonlySet<string> = new Set(['kafka', 'rabbitmq'])

/** `GET /health`, `/ready` */
export const healthApi =
  (
    { store, backend, options, now }: Pick<ApiDeps, 'store' | 'backend' | 'options' | 'now'>,
    board?: FeedBoard,
  ): FastifyPluginAsyncTypebox =>
  async (app) => {
    const started = now()
    const uptime = () => Math.round((now() - started) / 1000)

    const storeCheck = async (): Promise<Checks> => {
      const problem = await store.ping().then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : 'no answer'),
      )
      return { store: problem === undefined ? { status: 'ok' } : { status: 'error', message: problem } }
    }

    const loopCheck = (): Checks => {
      const message = pressureOf(app)
      return message === undefined ? {} : { event_loop: { status: 'error', message } }
    }

    app.get('/health', { schema: healthSchema, config: alwaysAnswers }, async (): Promise<Health> => {
      const { stats, problems } = backend.collectorStatus()
      const parts = await backend.partStatus?.()
      const checks = {
        ...(await storeCheck()),
        ...loopCheck(),
        ...serviceChecks(parts),
        ...feedChecks(board),
        ...problemChecks(problems),
      }
      const healthy = Object.values(checks).every((check) => check.status === 'ok')
      return {
        status: healthy ? 'ok' : 'degraded',
        service: options.service,
        version: options.version,
        uptime_seconds: uptime(),
        timestamp: isoTime(now()),
        checks,
        stats: { ...stats, ...parts?.stats },
      }
    })

    app.get('/ready', { schema: readySchema, config: alwaysAnswers }, async (_request, reply): Promise<Ready> => {
      const checks = { ...(await storeCheck()), ...loopCheck(), ...serviceChecks(await backend.partStatus?.()) }
      const ready = Object.entries(checks).every(([name, { status }]) => status === 'ok' || LISTED.has(name))
      if (!ready) reply.code(503)
      return { status: ready ? 'ok' : 'error', timestamp: isoTime(now()), checks }
    })
  }

function feedChecks(board: FeedBoard | undefined): Checks {
  const checks: Checks = {}
  for (const [exchange, { markets, down, reason }] of board?.summary() ?? []) {
    checks[exchange] =
      down === 0 ? { status: 'ok' } : { status: 'error', message: `${down} of ${markets} feeds are down: ${reason}` }
  }
  return checks
}

const serviceChecks = (parts: PartStatus | undefined): Checks =>
  Object.fromEntries(
    Object.entries(parts?.services ?? {}).map(([name, message]) => [
      name,
      message === undefined ? { status: 'ok' } : { status: 'error', message },
    ]),
  )

const problemChecks = (problems: Readonly<Record<string, string>>): Checks =>
  Object.fromEntries(Object.entries(problems).map(([part, message]) => [part, { status: 'error', message }]))
