import type { Command } from 'commander'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { loadConfig } from '../config.ts'
import { isRole, portsOf } from './roles.ts'

const Said = Type.Object({ status: Type.String() })
const TIMEOUT_MS = 4_000

interface HealthOptions {
  readonly port?: string
  readonly ready?: boolean
}

/** Adds `health`: asks a role on this machine how it is. For health checks of containers: exit code 1 when it does not answer. */
export function addHealth(program: Command): void {
  program
    .command('health')
    .description('ask a role on this machine how it is; exit code 1 when it does not answer')
    .argument('[role]', 'whose port to ask', 'all')
    .option('--port <number>', 'another port than the one of the role')
    .option('--ready', 'ask whether it is ready, rather than alive')
    .action(async (role: string, { port, ready = false }: HealthOptions) => {
      const known = isRole(role) ? portsOf(role, loadConfig())[0] : undefined
      const at = port ?? known
      const said = at === undefined ? `there is no role ${role}` : await ask(`http://127.0.0.1:${at}`, ready)
      process.stdout.write(`${said.replace(/^ok: /, '')}\n`)
      if (!said.startsWith('ok: ')) process.exitCode = 1
    })
}

/** `ok: ` and what it says of itself, or why it is not well. */
async function ask(address: string, ready: boolean): Promise<string> {
  const url = `${address}/${ready ? 'ready' : 'health'}`
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const body: unknown = await answer.json()
    const status = Value.Check(Said, body) ? body.status : 'an answer that says nothing'
    return answer.ok ? `ok: ${status}` : `${url}: ${status}`
  } catch (error) {
    return `${url} does not answer: ${reasonOf(error)}`
  }
}

/** What is beneath an error tells more than "fetch failed". */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
