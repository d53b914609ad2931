import { keccak256 } from 'ethers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { digestOf, windowLeaf, ZERO_HASH } from '../../proofs/digest.ts'
import { structToJson } from '../../proofs/json.ts'
import { merkleTree } from '../../proofs/merkle.ts'
import type { FrameFp, Hex, WindowRoot } from '../../proofs/types.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type HttpServer, startHttp } from '../../src/base/http.ts'
import { createFaultFinder } from '../../src/receipt/faults.ts'
import { type FeedReaderDeps, type FeedWindow, followFeed } from '../../src/receipt/feed.ts'
import { readReceiptLine } from '../../src/receipt/row.ts'
import { addressOf, DOMAIN, hash, signStruct } from '../helpers/fixtures.ts'
import { gateway, livepeerLine, node, type Row, row, WINDOW } from '../helpers/rows.ts'
import { gateway as keySix } from '../vectors/common.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

describe('receipt line', () => {
  it('is read when everything holds together', async () => {
    const read = readReceiptLine(DOMAIN, await row(1))
    expect(read).toMatchObject({ windowId: WINDOW, receipt: { seq: 1n } })
    expect(read.digest).toBe(digestOf(DOMAIN, 'TranscodeReceipt', read.receipt))
  })

  it('may say that its stream is private, in so many words', async () => {
    const line = await row(1)
    expect(readReceiptLine(DOMAIN, line).isPrivate).toBeUndefined()
    expect(readReceiptLine(DOMAIN, { ...line, private: false }).isPrivate).toBeUndefined()
    expect(readReceiptLine(DOMAIN, { ...line, private: true }).isPrivate).toBe(true)
    for (const odd of ['true', 1, null])
      expect(() => readReceiptLine(DOMAIN, { ...line, private: odd })).toThrow('private must be true or false')
  })

  it('may publish the fingerprints that its receipt commits to, all of them and no others', async () => {
    const frame = (i: number): FrameFp => ({ track: 0xffff, frame: i, ptsMs: 40 * i, dhash: BigInt(i), strong: 7n })
    const fingerprints = [0, 1, 2].map(frame)
    expect(readReceiptLine(DOMAIN, await row(1)).fingerprints).toBeUndefined()
    const line = await row(1, { fingerprints })
    expect(readReceiptLine(DOMAIN, line).fingerprints).toEqual(fingerprints)
    const listed = line.fingerprints as Row[]
    for (const changed of [listed.slice(1), [...listed, listed[0]], [{ ...listed[0], strong: '8' }, ...listed.slice(1)], []])
      expect(() => readReceiptLine(DOMAIN, { ...line, fingerprints: changed })).toThrow(/fingerprints are not under the root/)
    for (const garbage of [{}, 7, null, Array(257).fill(listed[0]), [{ ...listed[0], track: 65_536 }]])
      expect(() => readReceiptLine(DOMAIN, { ...line, fingerprints: garbage })).toThrow()
  })

  it.each<[string, (line: Row) => void, RegExp]>([
    ['an order that the requester did not sign', (l) => (l.orderSig = l.sig), /requester did not sign/],
    ['a receipt of another signer', (l) => (l.signer = addressOf(gateway)), /not signed by its signer/],
    ['another order', (l) => (l.order = { ...(l.order as Row), nonce: hash(99) }), /not the one of the receipt/],
    ['another ladder', (l) => (l.profiles = [(l.profiles as Row[])[1], (l.profiles as Row[])[0]]), /profiles are not those/],
    [
      'a leaf that was changed',
      (l) => ((l.renditions as Row[])[0] = { ...((l.renditions as Row[])[0] as Row), width: 1 }),
      /not under the root/,
    ],
    ['a missing leaf', (l) => (l.renditions as Row[]).pop(), /one rendition for each profile/],
    ['a wrong type', (l) => (l.renditions = 'x'), /must be a list/],
    ['no window', (l) => delete l.windowId, /windowId/],
    ['a window with a leading zero', (l) => (l.windowId = `0${String(l.windowId)}`), /windowId/],
    ['a signature of the wrong length', (l) => (l.sig = '0x12'), /65 bytes/],
  ])('refuses %s', async (_, change, reason) => {
    const line = await row(1)
    change(line)
    expect(() => readReceiptLine(DOMAIN, line)).toThrow(reason)
  })

  it('is refused for its signature before a tree is built over what it brings', async () => {
    const frame: FrameFp = { track: 0xffff, frame: 0, ptsMs: 0, dhash: 1n, strong: 7n }
    const line = await row(1, { fingerprints: [frame] })
    const other = { ...line, fingerprints: [structToJson('FrameFp', { ...frame, strong: 8n })] }
    expect(() => readReceiptLine(DOMAIN, { ...other, sig: line.orderSig })).toThrow(/not signed by its signer/)
    expect(() => readReceiptLine(DOMAIN, { ...other, orderSig: line.sig })).toThrow(/requester did not sign/)
  })

  it('refuses a receipt that differs from its order', async () => {
    const line = await row(1, { receipt: { sourceHash: hash(77) } })
    expect(() => readReceiptLine(DOMAIN, line)).toThrow(/differ in sourceHash/)
  })
})

describe('receipt line of a gateway of Livepeer', () => {
  it('is read as one with a signed order is', async () => {
    const line = await livepeerLine()
    const read = readReceiptLine(DOMAIN, line)
    expect(read).toMatchObject({ segData: line.segData, order: { sourceBytes: 0n, requester: addressOf(keySix) } })
    expect(read.order.nonce).toBe(keccak256(line.segData as Hex))
    expect(readReceiptLine(DOMAIN, await row(1))).not.toHaveProperty('segData')
  })

  const bytes = (change: (text: string) => string) => (l: Row) => ({ ...l, segData: change(l.segData as string) })
  it.each<[string, (line: Row) => Row | Promise<Row>, RegExp]>([
    ['a signed order beside it', async (l) => ({ ...l, order: (await row(1)).order }), /not both/],
    ['a signature beside it', async (l) => ({ ...l, orderSig: (await row(1)).orderSig }), /not both/],
    ['other bytes with the same meaning', bytes((text) => `${text}f80601`), /not the one of the receipt/],
    ['no bytes', bytes(() => '0x'), /no hash of its source/],
    ['upper case', bytes((text) => text.toUpperCase().replace('0X', '0x')), /lower-case hex/],
    ['too many bytes', bytes(() => `0x${'00'.repeat(16_385)}`), /at most 16384/],
    ['another ladder', (l) => ({ ...l, profiles: (l.profiles as Row[]).toReversed() }), /profiles are not those/],
  ])('is refused with %s', async (_, change, reason) => {
    const line = await change(await livepeerLine())
    expect(() => readReceiptLine(DOMAIN, line)).toThrow(reason)
  })
})

describe('fault finder', () => {
  const read = async (seq: number, change = {}) => readReceiptLine(DOMAIN, await row(seq, change))

  it('finds nothing in honest work, retries and re-signed receipts', async () => {
    const finder = createFaultFinder(DOMAIN)
    for (const receipt of [
      await read(1),
      await read(2),
      await read(1),
      await read(1, { receipt: { completedAt: WINDOW * 4n + 2n, round: 4n } }),
    ])
      expect(finder.look(receipt)).toEqual([])
  })

  it('finds two roots for one window once', async () => {
    const finder = createFaultFinder(DOMAIN)
    const signed = async (root: Hex) => {
      const window: WindowRoot = { transcoder: addressOf(node), windowId: WINDOW, root, count: 1, closedAt: 104n }
      return { window, signer: addressOf(node), signature: await signStruct(node, 'WindowRoot', window) }
    }
    expect(finder.lookAtWindow(await signed(hash(1)))).toEqual([])
    expect(finder.lookAtWindow(await signed(hash(1)))).toEqual([])
    expect(finder.lookAtWindow(await signed(hash(2)))).toMatchObject([
      { fault: { faultClass: 'O1', transcoder: addressOf(node) } },
    ])
    expect(finder.lookAtWindow(await signed(hash(3)))).toEqual([])
  })
})

describe('what a fault finder remembers', () => {
  const signed = async (windowId: bigint, root: Hex) => {
    const window: WindowRoot = { transcoder: addressOf(node), windowId, root, count: 1, closedAt: 104n }
    return { window, signer: addressOf(node), signature: await signStruct(node, 'WindowRoot', window) }
  }
  const at = async (windowId: bigint, seq: number) => ({ ...readReceiptLine(DOMAIN, await row(seq)), windowId })

  it('goes when no case can need it any more', async () => {
    const finder = createFaultFinder(DOMAIN, { keepWindows: 10 })
    finder.look(await at(20n, 1))
    finder.lookAtWindow(await signed(20n, hash(1)))
    finder.look(await at(40n, 2))
    finder.lookAtWindow(await signed(40n, hash(1)))
    expect(finder.lookAtWindow(await signed(20n, hash(2)))).toEqual([])
    expect(finder.lookAtWindow(await signed(40n, hash(2)))).toHaveLength(1)
  })

  it('does not go by a window that a member brings, far in the future and signed by the node itself', async () => {
    const finder = createFaultFinder(DOMAIN, { keepWindows: 10 })
    finder.look(await at(20n, 1))
    finder.lookAtWindow(await signed(20n, hash(1)))
    finder.lookAtWindow(await signed(10_000n, hash(1)))
    finder.look(await at(21n, 2))
    expect(finder.lookAtWindow(await signed(20n, hash(2)))).toHaveLength(1)
  })
})

describe('feed reader', () => {
  let server: HttpServer
  let windows: Row[]
  let rows: Row[]
  let stop: AbortController
  let seen: FeedWindow[]
  let bad: string[]

  const windowRow = async (changes: Partial<WindowRoot> = {}, signer = node): Promise<Row> => {
    const digests = rows.map((line) => readReceiptLine(DOMAIN, line).digest).sort()
    const window: WindowRoot = {
      transcoder: addressOf(node),
      windowId: WINDOW,
      root: merkleTree(digests.map((d, i) => windowLeaf(i, d))).root,
      count: rows.length,
      closedAt: 104n,
      ...changes,
    }
    return {
      window: structToJson('WindowRoot', window),
      sig: await signStruct(signer, 'WindowRoot', window),
      signer: addressOf(signer),
    }
  }

  beforeEach(async () => {
    ;[windows, rows, seen, bad, stop] = [[], [await row(1), await row(2), await row(3)], [], [], new AbortController()]
    const ndjson = (lines: Row[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    server = await startHttp({
      host: '127.0.0.1',
      port: 0,
      routes(app) {
        app.get('/fisherman/v1/windows', () => ndjson(windows))
        app.get('/fisherman/v1/receipts', (request) => {
          const { cursor } = request.query as { cursor?: string }
          const from = cursor === undefined ? 0 : rows.findIndex((line) => line.cursor === cursor) + 1
          return ndjson(rows.slice(from, from + 2))
        })
      },
    })
  })
  afterEach(async () => {
    stop.abort()
    await server.stop()
  })

  /** Follows until a window was taken or refused, and then a little longer. */
  async function follow(
    until: () => boolean = () => seen.length + bad.length > 0,
    nowSec: () => number = () => 105,
    ours: Partial<Pick<FeedReaderDeps, 'round' | 'isSigner' | 'onWindow'>> = {},
  ): Promise<void> {
    const feed = { transcoder: addressOf(node), url: `${server.url}/` }
    void followFeed(
      { domain: DOMAIN, feed, windowSeconds: 4, pollMs: 20 },
      {
        clock: systemClock,
        log: silent,
        nowSec,
        round: async () => 3n,
        isSigner: async (transcoder, signer) => transcoder === signer,
        onWindow: async (window) => void seen.push(window),
        onBad: (reason) => void bad.push(reason),
        ...ours,
      },
      stop.signal,
    )
    await vi.waitFor(() => expect(until()).toBe(true), { timeout: 8000, interval: 20 })
    await new Promise((resolve) => setTimeout(resolve, 60))
  }

  it('hands out each window once, with every page of its receipts in the order of their digests', async () => {
    windows = [await windowRow()]
    await follow()
    expect(bad).toEqual([])
    expect(seen).toHaveLength(1)
    const digests = seen[0]?.receipts.map(({ digest }) => digest) ?? []
    expect(digests).toHaveLength(3)
    expect(digests).toEqual([...digests].sort())
  })

  it.each<[string, () => Promise<void>]>([
    [
      'a root that is not over the receipts',
      async () => {
        windows = [await windowRow({ root: hash(5) })]
      },
    ],
    [
      'a window of another node',
      async () => {
        windows = [await windowRow({ transcoder: addressOf(gateway) })]
      },
    ],
    [
      'a window that a stranger signed',
      async () => {
        windows = [await windowRow({}, gateway)]
      },
    ],
    [
      'a window of the future',
      async () => {
        windows = [await windowRow({ windowId: 27n })]
      },
    ],
    [
      'a receipt that is not served',
      async () => {
        windows = [await windowRow()]
        rows.pop()
      },
    ],
    [
      'more receipts than it counts',
      async () => {
        windows = [await windowRow({ count: 2 })]
      },
    ],
    [
      'a receipt that comes twice',
      async () => {
        rows = [await row(1), await row(1)]
        windows = [await windowRow()]
      },
    ],
    [
      'more lines than were asked for',
      async () => {
        windows = Array<Row>(201).fill(await windowRow())
      },
    ],
    [
      'a receipt of another round',
      async () => {
        rows[0] = await row(1, { receipt: { round: 9n } })
        windows = [await windowRow()]
      },
    ],
    [
      'a receipt of another window',
      async () => {
        rows[0] = await row(1, { receipt: { completedAt: 90n } })
        windows = [await windowRow()]
      },
    ],
  ])('takes nothing from a feed with %s', async (_, arrange) => {
    await arrange()
    await follow()
    expect(seen).toEqual([])
    expect(bad.length).toBeGreaterThan(0)
  })

  it('knows when the feed last answered without a window, and not where its first answer has it', async () => {
    windows = [await windowRow()]
    await follow()
    expect(seen[0]).not.toHaveProperty('missingAtSec')
    stop.abort()
    stop = new AbortController()
    ;[windows, seen, bad] = [[], [], []]
    let nowSec = 105
    let looks = 0
    const done = follow(
      () => seen.length > 0,
      () => {
        looks++
        return nowSec
      },
    )
    await vi.waitFor(() => expect(looks).toBeGreaterThan(3), { timeout: 8000 })
    nowSec = 106
    const before = looks
    await vi.waitFor(() => expect(looks).toBeGreaterThan(before + 3), { timeout: 8000 })
    nowSec = 107
    windows = [await windowRow()]
    await done
    expect([106, 107]).toContain(seen[0]?.missingAtSec)
  })

  it.each([
    ['a stranger signed', 109, gateway],
    ['is of the future', 105, node],
  ])('does not count as listed what %s', async (_, fromSec, signer) => {
    // It begins at 108.
    const empty = { windowId: 27n, count: 0, root: ZERO_HASH, closedAt: 112n }
    windows = [await windowRow(empty, signer)]
    let nowSec = fromSec
    const done = follow(
      () => seen.length > 0,
      () => nowSec,
    )
    await vi.waitFor(() => expect(bad.length).toBeGreaterThan(1), { timeout: 8000 })
    nowSec = 112
    windows = [await windowRow(empty)]
    await done
    expect(seen[0]?.missingAtSec).toBe(fromSec)
  })

  it('asks whose a row is before anything in it is looked at', async () => {
    windows = [await windowRow()]
    rows[0] = { ...rows[0], signer: addressOf(gateway), sig: rows[1]?.sig }
    await follow()
    expect(bad[0]).toBe('bad-feed')
  })

  it('gives each row a turn of its own, so that a page of large ones holds nothing up', async () => {
    windows = [await windowRow()]
    let turn = 0
    let ticking = setImmediate(function tick() {
      turn++
      ticking = setImmediate(tick)
    })
    const turns: number[] = []
    await follow(undefined, undefined, {
      async isSigner() {
        turns.push(turn)
        return true
      },
    })
    clearImmediate(ticking)
    expect(seen).toHaveLength(1)
    expect(new Set(turns.slice(-3)).size).toBe(3)
  })

  it('survives garbage, and reads the window when the feed is sound again', async () => {
    const good = await windowRow()
    windows = [{ window: 'x' }]
    const done = follow(() => seen.length > 0)
    await vi.waitFor(() => expect(bad.length).toBeGreaterThan(0), { timeout: 8000 })
    windows = [good]
    await done
    expect(bad.length).toBeGreaterThan(0)
    expect(seen).toHaveLength(1)
  })

  it('brings a window again that could not be taken, however long that lasts', async () => {
    windows = [await windowRow()]
    let nowSec = 105
    let tries = 0
    // A full disk, for longer than a broken window would be tried: 4 s each, five of them.
    const onWindow = async (window: FeedWindow) => {
      nowSec += 30
      if (++tries < 4) throw new Error('no space is left')
      seen.push(window)
    }
    await follow(
      () => seen.length > 0,
      () => nowSec,
      { onWindow },
    )
    expect(tries).toBe(4)
    expect(seen).toHaveLength(1)
    expect(bad).not.toContain('window-skipped')
  })

  it('skips no window while we cannot reach the chain', async () => {
    windows = [await windowRow()]
    let nowSec = 105
    let asked = 0
    const round = async () => {
      nowSec += 30
      if (++asked < 4) throw new Error('the chain is away')
      return 3n
    }
    await follow(
      () => seen.length > 0,
      () => nowSec,
      { round },
    )
    expect(seen).toHaveLength(1)
    expect(bad).not.toContain('window-skipped')
  })
})
