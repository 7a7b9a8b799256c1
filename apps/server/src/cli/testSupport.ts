import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { TestContext } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { Command } from 'commander'
import type { RestClient } from '../exchanges/rest.ts'
import { failure } from '../lib/failure.ts'
import { silent } from '../lib/log.ts'
import { embeddedStore } from '../store/embedded/index.ts'
import { addBackfill, type Backfiller } from './backfill.ts'
import { addCheck } from './check.ts'
import type { CommandContext } from './context.ts'
import { addExport } from './export.ts'
import { addImport } from './import.ts'
import { addReplay } from './replay.ts'
import { addVerify } from './verify.ts'

/** Recorded market data beside the project. */
export const DATA = join(import.meta.dirname, '../../../../../shared/data')
export const skipWithoutData = existsSync(DATA) ? false : `no recorded data: the folder ${DATA} is missing`

/** A folder that is gone after the test. */
export function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'candlewire-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Parts {
  readonly data: string
  readonly backfiller?: Backfiller
  readonly client?: RestClient
  readonly signal?: AbortSignal
}

/** Runs a command line in this process, and answers what it wrote and its exit code. */
export async function run(line: readonly string[], parts: Parts) {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const texts = Promise.all([textOf(out), textOf(err)])
  let code = 0
  const context: CommandContext = {
    signal: parts.signal ?? new AbortController().signal,
    out,
    err,
    env: { CANDLEWIRE_DATA: parts.data },
    exit: (worse) => {
      code = Math.max(code, worse)
    },
    openStore: (path) => embeddedStore({ path, log: silent }),
    restClient: (exchange) => {
      if (!parts.client) throw failure('EXCHANGE_NOT_FOUND', { exchange })
      return parts.client
    },
  }
  const program = new Command('candlewire')
  addImport(program, context)
  addExport(program, context)
  addCheck(program, context)
  addReplay(program, context)
  addVerify(program, context)
  if (parts.backfiller) addBackfill(program, context, () => parts.backfiller!)
  await program.parseAsync(['node', 'candlewire', ...line])
  out.end()
  err.end()
  const [stdout, stderr] = await texts
  return { code, stdout, stderr }
}

async function textOf(stream: PassThrough): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

/** A zip archive of one deflated file. */
export function zipOf(name: string, text: string): Buffer {
  const content = Buffer.from(text)
  const packed = deflateRawSync(content)
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt16LE(8, 4)
  common.writeUInt32LE(crc32(content), 10)
  common.writeUInt32LE(packed.length, 14)
  common.writeUInt32LE(content.length, 18)
  common.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed])
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), common, Buffer.alloc(14), Buffer.from(name)])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}
