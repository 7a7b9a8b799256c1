import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { DATA, run, skipWithoutData, temporary } from './testSupport.ts'

const recorded = ['08', '09'].map((day) => join(DATA, `ws/hftbacktest/spot_btcusdt_202408${day}.gz`))
const hashOf = (stdout: string): string => /^sha256 (\w{64})$/m.exec(stdout)?.[1] ?? stdout
const frames = ['--timeframes', '1s 1m 5m']

/** A captured trade of the made-up market; ids and times go on from 1 by one a second. */
const begin = Date.UTC(2024, 0, 1)
function tradeLine(id: number, change: Record<string, unknown> = {}, symbol = 'BTCUSDT'): string {
  const time = begin + id * 1_000
  const trade = { e: 'trade', E: time, s: symbol, t: id, p: '100.5', q: '0.1', T: time, m: true, M: true, ...change }
  return `${time + 20}000000 ${JSON.stringify({ stream: `${symbol.toLowerCase()}@trade`, data: trade })}`
}
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

function capture(folder: string, lines: readonly string[], name = 'capture.gz'): string {
  const path = join(folder, name)
  writeFileSync(path, gzipSync(`${lines.join('\n')}\n`))
  return path
}

describe('replay', () => {
  test("recorded frames give the exchange's own 5m bars, and one hash at any speed, in any order", {
    skip: skipWithoutData,
  }, async (t) => {
    const data = temporary(t)
    const kept = await run(['replay', ...recorded, '--data', data], { data })
    assert.equal(kept.code, 0, kept.stderr)
    assert.match(kept.stdout, /19,904 trades stored/)
    assert.doesNotMatch(kept.stdout, /hole|set aside/)
    const market = ['--exchange', 'binance', '--symbol', 'BTCUSDT', '--timeframe', '5m', '--format', 'csv']
    const { stdout } = await run(['export', '--data', data, ...market], { data })
    const ours = stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',').slice(0, 6).map(Number))
    const official = readFileSync(join(DATA, 'pairs/binance-spot-BTCUSDT-2024-08-08/BTC_USDT-5m.official.csv'), 'utf8')
    assert.deepEqual(
      ours,
      official
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(',').map(Number)),
    )
    const again = await run(['replay', ...recorded, '--data', data], { data })
    const reversed = await run(['replay', ...recorded.toReversed(), '--speed', '2000'], { data })
    assert.deepEqual(
      [again, reversed].map(({ stdout: text }) => hashOf(text)),
      [hashOf(kept.stdout), hashOf(kept.stdout)],
    )
  })

  test('the hash is a fixed one for fixed frames, whatever the file looks like', async (t) => {
    const folder = temporary(t)
    const lines = upTo(200).map((id) => tradeLine(id))
    const plain = join(folder, 'plain')
    writeFileSync(plain, lines.join('\n'))
    const results = [
      await run(['replay', capture(folder, lines), ...frames], { data: folder }),
      await run(['replay', plain, ...frames, '--speed', '1000'], { data: folder }),
      await run(
        ['replay', capture(folder, lines.slice(120), 'b.gz'), capture(folder, lines.slice(0, 120), 'a.gz'), ...frames],
        { data: folder },
      ),
    ]
    for (const { code, stderr } of results) assert.equal(code, 0, stderr)
    const [hash] = results.map(({ stdout }) => hashOf(stdout))
    assert.deepEqual(new Set(results.map(({ stdout }) => hashOf(stdout))), new Set([hash]))
    assert.equal(hash, 'e75bedfe690d3c3994199944ff3004f1ec492335995daf82902171352b946d8b')
    const other = await run(['replay', capture(folder, [...lines, tradeLine(201, { q: '0.2' })]), ...frames], {
      data: folder,
    })
    assert.notEqual(hashOf(other.stdout), hash)
  })

  test('ids that jump are a hole, doubles count once, disorder is put right', async (t) => {
    const folder = temporary(t)
    const lines = upTo(400)
      .filter((id) => id < 100 || id > 110)
      .map((id) => tradeLine(id))
    const at = lines.findIndex((line) => line.includes('"t":200,'))
    const early = tradeLine(201).replace(/^\d+/, `${begin + 200_010}000000`)
    lines.splice(at, 2, early, lines[at]!, lines[at]!)
    const { code, stdout } = await run(['replay', capture(folder, lines), ...frames, '--data', folder], {
      data: folder,
    })
    assert.equal(code, 0)
    assert.match(stdout, /389 trades stored/)
    assert.match(stdout, /1 trade came twice/)
    assert.match(stdout, /1 hole, whose trades are unknown:\n {2}BTCUSDT: 2024-01-01T00:01:39Z to 2024-01-01T00:01:51/)
    const market = ['--exchange', 'binance', '--symbol', 'BTCUSDT', '--timeframe', '1m']
    const exported = await run(['export', '--data', folder, ...market], { data: folder })
    const times = exported.stdout
      .trim()
      .split('\n')
      .map((line): number => (JSON.parse(line).time - begin) / 60_000)
    assert.deepEqual(times, [2, 3, 4, 5], 'the first minute is not whole, and that of the hole is not')
  })

  test('a market that drifts is set aside; the other has all its candles', async (t) => {
    const folder = temporary(t)
    const lines = upTo(300).flatMap((id) => [
      tradeLine(id),
      tradeLine(id, id % 50 === 0 ? { T: 17, p: '100.5' } : {}, 'ETHUSDT'),
      ...(id === 150 ? [tradeLine(id, { p: 'free' }, 'ETHUSDT')] : []),
    ])
    const drifted = await run(['replay', capture(folder, lines), ...frames], { data: folder })
    assert.match(drifted.stdout, /7 frames set aside/)
    assert.match(drifted.stdout, /ETHUSDT: time × 6, malformed × 1/)
    assert.match(drifted.stdout, /594 trades stored/)
    assert.match(drifted.stdout, /5 holes/)
    assert.doesNotMatch(drifted.stdout, /BTCUSDT/)
  })

  describe('damaged files', () => {
    const lines = upTo(3_000).map((id) => tradeLine(id, { p: `${100 + ((id * 7_919) % 1_000) / 10}` }))
    const cases: [string, (folder: string) => string, RegExp, RegExp][] = [
      [
        'cut short',
        (folder) => {
          const path = capture(folder, lines)
          const bytes = readFileSync(path)
          writeFileSync(path, bytes.subarray(0, bytes.length / 2))
          return path
        },
        /capture\.gz: .*unexpected end of file.*; what stands before it was played/,
        /1,\d\d\d trades stored/,
      ],
      [
        'with lines that are none',
        (folder) => capture(folder, [...lines.slice(0, 10), 'nonsense', '12 {}', `${begin}000000`, ...lines.slice(10)]),
        /capture\.gz:11: no line of a capture/,
        /3 lines could not be read/,
      ],
    ]
    for (const [what, make, said, told] of cases)
      test(`${what}: told, and played as far as it goes`, async (t) => {
        const folder = temporary(t)
        const { code, stdout, stderr } = await run(['replay', make(folder), ...frames], { data: folder })
        assert.equal(code, 1)
        assert.match(stderr, said)
        assert.match(stdout, told)
        assert.match(stdout, /^sha256 \w{64}$/m)
      })

    test('a frame that is no JSON is set aside', async (t) => {
      const folder = temporary(t)
      const path = capture(folder, [...lines, `${begin + 3_001_000}000000 {"e":"trade"`])
      const { stdout } = await run(['replay', path, ...frames], { data: folder })
      assert.match(stdout, /1 frame set aside/)
    })

    for (const [what, name, text] of [
      ['absent', 'nowhere.gz', undefined],
      ['empty', 'empty', ''],
      ['no capture', 'readme', 'Read me\nfirst.\n'],
    ] as const)
      test(`${what}: refused`, async (t) => {
        const folder = temporary(t)
        const path = join(folder, name)
        if (text !== undefined) writeFileSync(path, text)
        const { code, stdout, stderr } = await run(['replay', path], { data: folder })
        assert.equal(code, 2)
        assert.match(stderr, new RegExp(`${name}: (there is no such file|it has no line of a capture)`))
        assert.equal(stdout, '')
      })
  })
})

test('a gzipped capture is what it looks like', (t) => {
  const path = capture(temporary(t), [tradeLine(1)])
  assert.equal(gunzipSync(readFileSync(path)).toString(), `${tradeLine(1)}\n`)
})
