import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { variableRows } from '../src/config.ts'

/** The page of all variables. */
export const PAGE = join(import.meta.dirname, '../../../docs/configuration.md')

const HEAD = `# Every variable

\`candlewire start\` needs none of them. A flag goes before its variable; a variable that is set to nothing counts as not set; an invalid value stops the start with one line that names the variable. \`EXAMPLE=1 candlewire start\` and an \`.env\` file of compose are the same to it: see [deploy/.env.example](../deploy/.env.example).

A service that is named and does not answer at the start is tried until it does; one that is not named is not used. A role that can't do without a service says so in one line.

Where the source systems have two names for one thing, both are read: \`KAFKA_BROKER\` and \`KAFKA_BOOTSTRAP_SERVERS\` (the latter goes first), \`DATABASE_URL\` with a driver suffix such as \`mysql+aiomysql://\`.

| variable | default | what it is |
| --- | --- | --- |
`

const TAIL = `
The page and the client read three more when they are built: \`VITE_API_URL\`, \`VITE_WS_URL\` (the server that sent the page, unless they are set) and \`VITE_USE_MOCK\` (\`true\`: generated data, no server).

\`AUTH_ENABLED\`, \`AUTH_TOKENS\`, \`CLIENT_RATE_LIMIT\`, \`NEWS_SOURCES\`, \`ALERT_SLACK_WEBHOOK\`, \`ALERT_SMTP_URL\` and \`ALERT_EMAIL_TO\` belong to parts that do not exist yet: setting one stops the start, so that nobody relies on what is not there.

This page is made from the schema by \`npm run docs\`; a test holds it to that.
`

const cell = (text: string): string => text.replaceAll('|', '\\|')

/** What the page says, made from the schema. */
export const configurationPage = (): string =>
  HEAD +
  variableRows()
    .map(
      ({ name, fallback, description }) =>
        `| \`${name}\` | ${fallback && `\`${fallback}\``} | ${cell(description)} |\n`,
    )
    .join('') +
  TAIL

if (import.meta.main) await writeFile(PAGE, configurationPage())
