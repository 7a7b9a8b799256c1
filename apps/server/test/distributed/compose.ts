import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'

export const DEPLOY = join(import.meta.dirname, '../../../../deploy')

/** What we look at in a service; the whole file is held against the schema of compose in CI. */
const Service = Type.Object({
  image: Type.String(),
  command: Type.Optional(Type.Array(Type.String())),
  environment: Type.Optional(Type.Record(Type.String(), Type.String())),
  ports: Type.Optional(Type.Array(Type.String())),
  healthcheck: Type.Optional(Type.Object({ test: Type.Array(Type.String()) })),
  depends_on: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Record(Type.String(), Type.Unknown())])),
})
const Compose = Type.Object({ services: Type.Record(Type.String(), Service) })

export type Service = Static<typeof Service>
type Variables = Readonly<Record<string, string | undefined>>

/** The services of compose.yaml, with the variables put in as compose would. */
export async function readServices(variables: Variables = {}): Promise<Readonly<Record<string, Service>>> {
  const text = await readFile(join(DEPLOY, 'compose.yaml'), 'utf8')
  const filled: unknown = JSON.parse(JSON.stringify(parse(text, { merge: true })), (_, value: unknown) =>
    typeof value === 'string' ? substitute(value, variables) : value,
  )
  return Value.Parse(Compose, filled).services
}

/** `${NAME:-fallback}`: the fallback also where it is empty. `$$` is a dollar. */
const substitute = (text: string, variables: Variables): string =>
  text.replaceAll(/\$\{(\w+):-([^}]*)\}|\$\$/g, (all, name: string, fallback: string) =>
    all === '$$' ? '$' : variables[name] || fallback,
  )

/** The names that compose.yaml asks for. */
export async function askedVariables(): Promise<Set<string>> {
  const text = await readFile(join(DEPLOY, 'compose.yaml'), 'utf8')
  return new Set([...text.matchAll(/\$\{(\w+):-/g)].map(([, name = '']) => name))
}

/** What .env.example sets. */
export const readExample = async () => parseEnv(await readFile(join(DEPLOY, '.env.example'), 'utf8'))

/** Services that run our own image. */
export const isRole = ({ image }: Service): boolean => image.startsWith('candlewire:')
