/**
 * A small assembler for WebAssembly with 128-bit vectors. The kernels are written as TypeScript that emits instructions, so that
 * loops over registers unroll themselves and no compiler is needed. Only what the kernels use is here; numbers are those of the
 * WebAssembly specification. All these instructions are exact or IEEE: the same bytes in give the same bytes out on every machine.
 */

/** Machine code of an expression: it leaves its value on the stack. */
export type Code = readonly number[]
export type ValueType = 'i32' | 'f64' | 'v128'

const VALUE_TYPES: Record<ValueType, number> = { i32: 0x7f, f64: 0x7c, v128: 0x7b }

function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const more = rest > 127
    bytes.push((rest & 127) | (more ? 128 : 0))
    rest >>>= 7
  } while (rest > 0)
  return bytes
}

function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const byte = rest & 127
    rest >>= 7
    const last = (rest === 0 && (byte & 64) === 0) || (rest === -1 && (byte & 64) !== 0)
    bytes.push(last ? byte : byte | 128)
    if (last) return bytes
  }
}

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()]
const section = (id: number, body: Code): number[] => [id, ...unsigned(body.length), ...body]
const name = (text: string): number[] => vector([...text].map((letter) => [letter.charCodeAt(0)]))

/** A local variable of a function. */
export class Local {
  readonly get: Code
  readonly #index: Code

  constructor(index: number) {
    this.#index = unsigned(index)
    this.get = [0x20, ...this.#index]
  }

  set(value: Code): number[] {
    return [...value, 0x21, ...this.#index]
  }

  /** Adds a constant to an i32. */
  step(by: number): number[] {
    return this.set(i32.add(this.get, i32.constant(by)))
  }
}

const prefixed = (opcode: number): number[] => [0xfd, ...unsigned(opcode)]
const unary =
  (opcode: Code) =>
  (a: Code): number[] => [...a, ...opcode]
const binary =
  (opcode: Code) =>
  (a: Code, b: Code): number[] => [...a, ...b, ...opcode]
/** Memory access: alignment hint 0, then a constant offset. */
const load =
  (opcode: number) =>
  (address: Code, offset = 0): number[] => [...address, ...prefixed(opcode), 0, ...unsigned(offset)]

export const i32 = {
  constant: (value: number): number[] => [0x41, ...signed(value)],
  add: binary([0x6a]),
}

export const v128 = {
  load: load(0),
  /** Eight bytes as eight unsigned 16-bit lanes. */
  load8x8: load(2),
  load32Zero: load(92),
  store: (address: Code, value: Code, offset = 0): number[] => [...address, ...value, ...prefixed(11), 0, ...unsigned(offset)],
  /** Eight 16-bit numbers. */
  constant16: (value: number): number[] => [
    ...prefixed(12),
    ...Array.from({ length: 8 }, () => [value & 255, value >> 8]).flat(),
  ],
}

export const i16x8 = {
  widenLow8: unary(prefixed(137)),
  abs: unary(prefixed(128)),
  add: binary(prefixed(142)),
  sub: binary(prefixed(145)),
  mul: binary(prefixed(149)),
  max: binary(prefixed(152)),
}

export const i32x4 = {
  /** Signed 16-bit lanes 0..3 and 4..7. */
  widenLow16: unary(prefixed(167)),
  widenHigh16: unary(prefixed(168)),
  add: binary(prefixed(174)),
  /** Products of 16-bit lanes, neighbours added. */
  dot16: binary(prefixed(186)),
}

export const i64x2 = {
  widenLow32: unary(prefixed(199)),
  widenHigh32: unary(prefixed(200)),
  add: binary(prefixed(206)),
}

function floatBytes(value: number): number[] {
  return [...new Uint8Array(new Float32Array([value]).buffer)]
}

export const f32x4 = {
  constant: (value: number): number[] => [...prefixed(12), ...Array.from({ length: 4 }, () => floatBytes(value)).flat()],
  add: binary(prefixed(228)),
  sub: binary(prefixed(229)),
  mul: binary(prefixed(230)),
  fromInt: unary(prefixed(250)),
}

export const f64x2 = {
  fromLowFloat: unary(prefixed(95)),
  add: binary(prefixed(240)),
}

export const f64 = {
  add: binary([0xa0]),
  fromI64: unary([0xb9]),
  /** Lane 0 or 1 of two 64-bit integers, or floats. */
  lane: (value: Code, lane: 0 | 1): number[] => [...value, ...prefixed(33), lane],
  laneOfI64: (value: Code, lane: 0 | 1): number[] => [...value, ...prefixed(29), lane, 0xb9],
}

/** Picks 32-bit lanes 0..3 of `a` and 4..7 of `b`. */
export function shuffle32(a: Code, b: Code, lanes: readonly number[]): number[] {
  return [...a, ...b, ...prefixed(13), ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte))]
}

/** Picks 16-bit lanes 0..7 of `a` and 8..15 of `b`. */
export function shuffle16(a: Code, b: Code, lanes: readonly number[]): number[] {
  return [...a, ...b, ...prefixed(13), ...lanes.flatMap((lane) => [lane * 2, lane * 2 + 1])]
}

/** Runs `body` until the i32 `counter`, which must begin above zero, has been counted down to zero. */
export function countDown(counter: Local, body: Code): number[] {
  return [0x03, 0x40, ...body, ...counter.step(-1), ...counter.get, 0x0d, 0, 0x0b]
}

/** One function being written: i32 parameters; its result, if any, is what its code leaves on the stack. */
export class Writer {
  readonly name: string
  readonly params: Local[]
  readonly result: ValueType | undefined
  readonly #locals: ValueType[] = []
  readonly #code: Code[] = []

  constructor(name: string, params: number, result?: ValueType) {
    this.name = name
    this.result = result
    this.params = Array.from({ length: params }, (_, i) => new Local(i))
  }

  local(type: ValueType): Local {
    return new Local(this.params.length + this.#locals.push(type) - 1)
  }

  emit(...code: Code[]): void {
    this.#code.push(...code)
  }

  get body(): number[] {
    const locals = vector(this.#locals.map((type) => [1, VALUE_TYPES[type]]))
    const bytes = [...locals, ...this.#code.flat(), 0x0b]
    return [...unsigned(bytes.length), ...bytes]
  }
}

function typeOf({ params, result }: Writer): number[] {
  return [0x60, ...vector(params.map(() => [VALUE_TYPES.i32])), ...vector(result ? [[VALUE_TYPES[result]]] : [])]
}

/** A module that exports its procedures and a memory of so many pages of 64 KiB. */
export function moduleOf(procedures: readonly Writer[], pages: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(procedures.map(typeOf))),
    ...section(3, vector(procedures.map((_, i) => unsigned(i)))),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(
      7,
      vector([[...name('memory'), 2, 0], ...procedures.map((procedure, i) => [...name(procedure.name), 0, ...unsigned(i)])]),
    ),
    ...section(10, vector(procedures.map(({ body }) => body))),
  ])
}

/** A procedure of a running module; one without a result returns nothing of use. */
export type Procedure = (...args: number[]) => number

export interface Instance {
  memory: WebAssembly.Memory
  procedure: (name: string) => Procedure
}

/** Starts a module: many instances may be made of one, each with its own memory. */
export function start(module: WebAssembly.Module): Instance {
  const { exports } = new WebAssembly.Instance(module)
  const { memory } = exports
  if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('a kernel without memory')
  return {
    memory,
    procedure: (name) => {
      const entry = exports[name]
      if (typeof entry !== 'function') throw new TypeError(`a kernel without ${name}`)
      return entry as Procedure
    },
  }
}
